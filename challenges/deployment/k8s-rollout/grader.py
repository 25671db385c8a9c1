"""Manifests, field by field: a brief and the rules of the platform leave one right value for each."""

import json
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score

LOW = ((3, 6), (30, 60), (30, 60))
"""Requests per second at the least: of the first hidden brief so few that one pod could carry them."""
VERSIONS = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "ConfigMap": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
UNITS = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
}
MIB = 2**20
QUANTITIES = re.compile(r"resources\.")
POD = "spec.template.spec"
APP = f"{POD}.containers.0"
NAMES = ("ledger", "search", "quotes", "images", "pricing", "mailer", "routing")
TRICKY = ("true", "no", "8080", "1e3", "0123", "null", "", "a: b", "#1", "2026-01-31", "12:30", "[1, 2]", "naïve")

Brief = dict[str, Any]
Fields = dict[str, Any]
"""Expected values by `Kind path`; None is a field that must not be there."""


def generate(data: Data) -> None:
    """One public brief. Hidden ones are drawn in `grade`."""
    (data.public / "brief-1.json").write_text(
        json.dumps(_brief(data.rng("sample")), indent=2, ensure_ascii=False) + "\n"
    )


def sample(attempt: Attempt, data: Data) -> Score:
    """The public brief."""
    return _judged(attempt, data, [_sample(data)])


def grade(attempt: Attempt, data: Data) -> Score:
    """All briefs in one run of the program."""
    rng = data.rng("hidden briefs")
    return _judged(attempt, data, [_brief(rng, low) for low in LOW])


def _sample(data: Data) -> Brief:
    """A brief whose values are no trap."""
    brief = _brief(data.rng("sample"))
    return {**brief, "config": dict.fromkeys(brief["config"], "plain")}


def _judged(attempt: Attempt, data: Data, briefs: list[Brief]) -> Score:
    numbers = range(1, len(briefs) + 1)
    names = [f"manifests-{number}.yaml" for number in numbers]
    inputs = {f"brief-{n}.json": json.dumps(brief).encode() for n, brief in zip(numbers, briefs, strict=True)}
    written = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=names)
    texts = {name: written.bytes(name) for name in names}
    documents = attempt.inspect("read_yaml.py", *names, inputs=texts, outputs=["documents.json"]).json("documents.json")
    if not isinstance(documents, list) or len(documents) != len(names):
        raise InvalidOutput("the manifests cannot be read")
    found = {group.name: True for group in data.groups}
    for name, brief, told in zip(names, briefs, documents, strict=True):
        if not isinstance(told, list):
            raise InvalidOutput(f"{name} is not plain YAML")
        kinds = {one["kind"]: one for one in told if isinstance(one, dict) and isinstance(one.get("kind"), str)}
        found["kinds"] &= len(told) == len(VERSIONS)
        for group, fields in _expected(brief).items():
            found[group] &= all(_same(_value(kinds, field), wanted) for field, wanted in fields.items())
    return Score.of(data.groups, {**found})


def _brief(rng: np.random.Generator, low_load: tuple[int, int] = (30, 60)) -> Brief:
    name = str(rng.choice(NAMES))
    low = int(rng.integers(*low_load))
    keys = [f"{name.upper()}_{word}" for word in ("MODE", "LIMIT", "SINCE", "NOTE")]
    return {
        "name": name,
        "namespace": f"team-{rng.integers(1, 40)}",
        "image": f"registry.example/{name}:{rng.integers(1, 9)}.{rng.integers(0, 30)}.{rng.integers(0, 9)}",
        "port": int(rng.integers(3000, 9999)),
        "startup_seconds": int(rng.integers(8, 130)),
        "peak_memory_mib": int(rng.integers(100, 3000)),
        "cpu_millicores": int(rng.integers(1, 20)) * 50,
        "requests_per_second": {"low": low, "peak": low * int(rng.integers(3, 12)) + int(rng.integers(0, 9))},
        "requests_per_second_per_pod": int(rng.integers(6, 30)),
        "called_from_namespace": f"team-{rng.integers(40, 80)}",
        "config": dict(zip(keys, (str(one) for one in rng.choice(TRICKY, len(keys), replace=False)), strict=True)),
    }


def _expected(brief: Brief) -> dict[str, Fields]:
    """By the rules of the statement."""
    name, port, labels = brief["name"], brief["port"], {"app": brief["name"]}
    load, each = brief["requests_per_second"], brief["requests_per_second_per_pod"]
    least = max(2, math.ceil(load["low"] / each))
    memory = Fraction(math.ceil(brief["peak_memory_mib"] * 1.25 / 64) * 64 * MIB)
    spread, metric = f"Deployment {POD}.topologySpreadConstraints.0", "HorizontalPodAutoscaler spec.metrics.0"
    policy = "NetworkPolicy spec.ingress.0"
    return {
        "kinds": {
            f"{kind} {path}": value
            for kind, version in VERSIONS.items()
            for path, value in (
                ("apiVersion", version),
                ("metadata.name", name),
                ("metadata.namespace", brief["namespace"]),
            )
        },
        "wiring": {
            "Deployment spec.selector.matchLabels": labels,
            "Deployment spec.template.metadata.labels": labels,
            f"Deployment {APP}.image": brief["image"],
            f"Deployment {APP}.ports.0.containerPort": port,
            f"Deployment {APP}.envFrom.0.configMapRef.name": name,
            "Service spec.selector": labels,
            "Service spec.ports.0.port": 80,
            "Service spec.ports.0.targetPort": port,
            "HorizontalPodAutoscaler spec.scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": name,
            },
            "PodDisruptionBudget spec.selector.matchLabels": labels,
            "NetworkPolicy spec.podSelector.matchLabels": labels,
            f"{policy}.ports": [{"protocol": "TCP", "port": port}],
        },
        "config": {"ConfigMap data": brief["config"]},
        "probes": {
            f"Deployment {APP}.startupProbe": _probe("/healthz", port, 5, math.ceil(2 * brief["startup_seconds"] / 5)),
            f"Deployment {APP}.livenessProbe": _probe("/healthz", port, 10, 3),
            f"Deployment {APP}.readinessProbe": _probe("/readyz", port, 5, 2),
        },
        "resources": {
            f"Deployment {APP}.resources.requests.memory": memory,
            f"Deployment {APP}.resources.limits.memory": memory,
            f"Deployment {APP}.resources.requests.cpu": Fraction(brief["cpu_millicores"], 1000),
            f"Deployment {APP}.resources.limits.cpu": None,
        },
        "availability": {
            "Deployment spec.replicas": None,
            "Deployment spec.strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            f"{spread}.maxSkew": 1,
            f"{spread}.topologyKey": "topology.kubernetes.io/zone",
            f"{spread}.whenUnsatisfiable": "DoNotSchedule",
            f"{spread}.labelSelector.matchLabels": labels,
            "HorizontalPodAutoscaler spec.minReplicas": least,
            "HorizontalPodAutoscaler spec.maxReplicas": math.ceil(1.5 * load["peak"] / each),
            f"{metric}.resource.name": "cpu",
            f"{metric}.resource.target": {"type": "Utilization", "averageUtilization": 70},
            "PodDisruptionBudget spec.minAvailable": least - 1,
        },
        "security": {
            f"Deployment {POD}.securityContext.runAsNonRoot": True,
            f"Deployment {APP}.securityContext.allowPrivilegeEscalation": False,
            f"Deployment {APP}.securityContext.readOnlyRootFilesystem": True,
            f"Deployment {APP}.securityContext.capabilities": {"drop": ["ALL"]},
            "NetworkPolicy spec.policyTypes": ["Ingress"],
            f"{policy}.from": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": brief["called_from_namespace"]}}}
            ],
        },
    }


def _probe(path: str, port: int, period: int, failures: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": period, "failureThreshold": failures}


def _same(found: Any, wanted: Any) -> bool:
    """Whether they are written the same: in Python True is 1, in a manifest it is not."""
    if isinstance(found, Fraction) or isinstance(wanted, Fraction):
        return bool(found == wanted)
    return json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def _value(kinds: dict[str, Any], field: str) -> Any:
    """What stands at `Kind path`, None if nothing does; an amount of memory or cpu as a number."""
    kind, _, path = field.partition(" ")
    found: Any = kinds.get(kind)
    for step in path.split("."):
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return _amount(found) if QUANTITIES.search(path) and found is not None else found


def _amount(told: Any) -> Fraction | None:
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([A-Za-z]{0,2})", str(told))
    return Fraction(match[1]) * UNITS[match[2]] if match and match[2] in UNITS else None
