# expect: verdict=wrong_answer score<=0
"""Writes the manifest of the statement's example, whatever is asked."""

import glob


def write(text: str) -> None:
    """The same text for every brief."""
    for path in glob.glob("brief-*.json"):
        with open(path.replace("brief", "manifests").replace("json", "yaml"), "w") as file:
            file.write(text)


EXAMPLE = """\
apiVersion: v1
kind: Service
metadata: {name: ledger, namespace: team-7}
spec: {selector: {app: ledger}, ports: [{port: 80, targetPort: 8080}]}
"""
write(EXAMPLE)
