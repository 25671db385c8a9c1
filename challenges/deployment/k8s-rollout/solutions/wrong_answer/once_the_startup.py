# expect: only=probes score<=60
"""Waits for the startup time once."""

import glob
import json
import math

import yaml


class Dumper(yaml.SafeDumper):
    """Writes everything out: shared parts do not become aliases."""

    def ignore_aliases(self, data):
        return True


def probe(path, port, period, failures):
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": period, "failureThreshold": failures}


def documents(brief):
    name, port = brief["name"], brief["port"]
    app = {"app": name}
    chosen = {"matchLabels": app}
    load, each = brief["requests_per_second"], brief["requests_per_second_per_pod"]
    least = max(2, math.ceil(load["low"] / each))
    most = math.ceil(1.5 * load["peak"] / each)
    memory = f"{math.ceil(brief['peak_memory_mib'] * 1.25 / 64) * 64}Mi"
    container = {
        "name": name,
        "image": brief["image"],
        "ports": [{"containerPort": port}],
        "envFrom": [{"configMapRef": {"name": name}}],
        "startupProbe": probe("/healthz", port, 5, math.ceil(brief["startup_seconds"] / 5)),
        "livenessProbe": probe("/healthz", port, 10, 3),
        "readinessProbe": probe("/readyz", port, 5, 2),
        "resources": {
            "requests": {"memory": memory, "cpu": f"{brief['cpu_millicores']}m"},
            "limits": {"memory": memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": chosen,
    }
    pod = {
        "securityContext": {"runAsNonRoot": True},
        "topologySpreadConstraints": [spread],
        "containers": [container],
    }
    deployment = {
        "selector": chosen,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": app}, "spec": pod},
    }
    service = {"selector": app, "ports": [{"port": 80, "targetPort": port}]}
    target = {"type": "Utilization", "averageUtilization": 70}
    scaler = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    budget = {"minAvailable": least - 1, "selector": chosen}
    caller = {"matchLabels": {"kubernetes.io/metadata.name": brief["called_from_namespace"]}}
    rule = {"from": [{"namespaceSelector": caller}], "ports": [{"protocol": "TCP", "port": port}]}
    policy = {"podSelector": chosen, "policyTypes": ["Ingress"], "ingress": [rule]}
    listed = [
        ("apps/v1", "Deployment", {"spec": deployment}),
        ("v1", "Service", {"spec": service}),
        ("autoscaling/v2", "HorizontalPodAutoscaler", {"spec": scaler}),
        ("policy/v1", "PodDisruptionBudget", {"spec": budget}),
        ("v1", "ConfigMap", {"data": brief["config"]}),
        ("networking.k8s.io/v1", "NetworkPolicy", {"spec": policy}),
    ]
    place = {"name": name, "namespace": brief["namespace"]}
    return [{"apiVersion": version, "kind": kind, "metadata": place, **rest} for version, kind, rest in listed]


for path in glob.glob("brief-*.json"):
    with open(path, encoding="utf-8") as file:
        brief = json.load(file)
    with open(path.replace("brief", "manifests").replace("json", "yaml"), "w", encoding="utf-8") as file:
        yaml.dump_all(documents(brief), file, Dumper)
