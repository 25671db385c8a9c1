"""A template of text; JSON's strings are YAML's, too, so nothing that was text becomes anything else."""

import json
import pathlib
import string

TEMPLATE = string.Template("""\
apiVersion: v1
kind: ConfigMap
metadata: {name: $name, namespace: $namespace}
data: $config
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: $name, namespace: $namespace}
spec:
  podSelector: {matchLabels: {app: $name}}
  policyTypes: [Ingress]
  ingress:
  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $caller}}}]
    ports: [{port: $port, protocol: TCP}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: $name, namespace: $namespace}
spec:
  minAvailable: $kept
  selector: {matchLabels: {app: $name}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: $name, namespace: $namespace}
spec:
  scaleTargetRef: {kind: Deployment, name: $name, apiVersion: apps/v1}
  minReplicas: $least
  maxReplicas: $most
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}
---
apiVersion: v1
kind: Service
metadata: {name: $name, namespace: $namespace}
spec:
  type: ClusterIP
  selector: {app: $name}
  ports: [{name: http, port: 80, targetPort: $port}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $name, namespace: $namespace}
spec:
  revisionHistoryLimit: 3
  selector: {matchLabels: {app: $name}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: $name}}
    spec:
      securityContext: {runAsNonRoot: true}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: DoNotSchedule
        labelSelector: {matchLabels: {app: $name}}
      containers:
      - name: app
        image: $image
        ports: [{containerPort: $port}]
        envFrom: [{configMapRef: {name: $name}}]
        startupProbe: {httpGet: {path: /healthz, port: $port}, periodSeconds: 5, failureThreshold: $tries}
        livenessProbe: {httpGet: {path: /healthz, port: $port}, periodSeconds: 10, failureThreshold: 3}
        readinessProbe: {httpGet: {path: /readyz, port: $port}, periodSeconds: 5, failureThreshold: 2}
        resources:
          requests: {cpu: $cpu, memory: ${memory}Ki}
          limits: {memory: ${memory}Ki}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
""")


def up(amount, step):
    return -(-amount // step)


for path in pathlib.Path().glob("brief-*.json"):
    brief = json.loads(path.read_text())
    load, each = brief["requests_per_second"], brief["requests_per_second_per_pod"]
    least = max(2, up(load["low"], each))
    text = TEMPLATE.substitute(
        brief,
        config=json.dumps(brief["config"]),
        caller=brief["called_from_namespace"],
        least=least,
        kept=least - 1,
        most=up(3 * load["peak"], 2 * each),
        tries=up(2 * brief["startup_seconds"], 5),
        cpu=brief["cpu_millicores"] / 1000,
        memory=up(5 * brief["peak_memory_mib"], 256) * 64 * 1024,
    )
    pathlib.Path(path.stem.replace("brief", "manifests") + ".yaml").write_text(text)
