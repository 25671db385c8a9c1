import glob
import json

import yaml

for name in glob.glob("brief-*.json"):
    with open(name) as file:
        brief = json.load(file)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": brief["name"], "namespace": brief["namespace"]},
    }
    with open(name.replace("brief", "manifests").replace("json", "yaml"), "w") as file:
        yaml.safe_dump_all([service], file)
