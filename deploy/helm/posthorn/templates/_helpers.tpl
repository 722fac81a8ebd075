{{- define "posthorn.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* 52 characters, so that names made from it (…-migrate, …-delivery, a pod's number) are at most 63. */}}
{{- define "posthorn.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "posthorn.selectorLabels" -}}
app.kubernetes.io/name: {{ include "posthorn.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "posthorn.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "posthorn.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "posthorn.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "posthorn.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "posthorn.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* Seconds from being told to stop to being killed: the drain, ten to settle and close, and some to spare. */}}
{{- define "posthorn.terminationGracePeriodSeconds" -}}
{{- $drainMs := 30000 }}
{{- if hasKey .Values.settings "drainTimeoutMs" }}
{{- $drainMs = .Values.settings.drainTimeoutMs | int64 }}
{{- end }}
{{- add (divf $drainMs 1000 | ceil | int64) 15 (.Values.preStopSeconds | int64) }}
{{- end }}

{{- define "posthorn.podSecurityContext" -}}
runAsNonRoot: true
{{- range $key, $value := .Values.podSecurityContext }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}: {{ if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ toYaml $value }}{{ end }}
{{- end }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "posthorn.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What every container has to know, the migration's too. */}}
{{- define "posthorn.databaseEnv" -}}
{{- if eq .Values.store "postgresql" }}
- name: POSTHORN_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.existingSecret.name }}
      key: {{ .Values.existingSecret.keys.databaseUrl }}
{{- end }}
{{- end }}

{{- /* Context: {root, role}. */}}
{{- define "posthorn.env" -}}
{{- $values := .root.Values }}
- name: POSTHORN_CONFIG
  value: /etc/posthorn/posthorn.json
- name: POSTHORN_HOST
  value: {{ $values.host | quote }}
- name: POSTHORN_PORT
  value: "8470"
- name: POSTHORN_ROLE
  value: {{ .role }}
{{- if eq $values.store "embedded" }}
# A folder of Posthorn's own, which it creates with mode 0700: the volume's root belongs to the cluster.
- name: POSTHORN_DATA
  value: /data/store
{{- end }}
{{- include "posthorn.databaseEnv" .root }}
{{- $secrets := $values.existingSecret }}
{{- if $secrets.name }}
{{- range $setting, $key := omit $secrets.keys "databaseUrl" }}
{{- if and $key (not (and (eq $setting "listenUrl") (eq $values.store "embedded"))) }}
- name: POSTHORN_{{ $setting | snakecase | upper }}
  valueFrom:
    secretKeyRef:
      name: {{ $secrets.name }}
      key: {{ $key }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Context: {root, role, component}. Everything of a pod but its volumes. */}}
{{- define "posthorn.pod" -}}
{{- $root := .root }}
{{- $values := $root.Values }}
{{- $own := index $values .component }}
serviceAccountName: {{ include "posthorn.serviceAccountName" $root }}
# Posthorn never calls Kubernetes.
automountServiceAccountToken: false
# Otherwise Kubernetes describes every service of the namespace in the environment.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "posthorn.terminationGracePeriodSeconds" $root }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "posthorn.podSecurityContext" $root | nindent 2 }}
containers:
  - name: posthorn
    image: {{ include "posthorn.image" $root }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args: [serve]
    securityContext:
      {{- include "posthorn.containerSecurityContext" $root | nindent 6 }}
    env:
      {{- include "posthorn.env" . | trim | nindent 6 }}
    ports:
      - name: http
        containerPort: 8470
    # It listens once it is ready, after migrating the store if that is necessary.
    startupProbe:
      httpGet: { path: /healthz, port: http }
      periodSeconds: 2
      timeoutSeconds: 3
      failureThreshold: {{ divf $values.probes.startupSeconds 2 | ceil | int64 }}
    # Never /readyz: a restart doesn't bring a database back, and loses outcomes that wait for it.
    livenessProbe:
      httpGet: { path: /healthz, port: http }
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet: { path: {{ if eq .role "delivery" }}/readyz{{ else }}{{ $values.probes.readinessPath }}{{ end }}, port: http }
      periodSeconds: 5
      # Posthorn responds within two.
      timeoutSeconds: 3
      failureThreshold: 2
    {{- if and $values.preStopSeconds (ne .role "delivery") }}
    lifecycle:
      preStop:
        exec:
          command: [sleep, {{ $values.preStopSeconds | quote }}]
    {{- end }}
    resources:
      {{- toYaml $own.resources | nindent 6 }}
    volumeMounts:
      - name: config
        mountPath: /etc/posthorn
        readOnly: true
      - name: tmp
        mountPath: /tmp
      {{- if eq $values.store "embedded" }}
      - name: data
        mountPath: /data
      {{- end }}
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if ne .component "embedded" }}
topologySpreadConstraints:
{{- if $own.topologySpreadConstraints }}
  {{- toYaml $own.topologySpreadConstraints | nindent 2 }}
{{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "posthorn.selectorLabels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- end }}
{{- end }}

{{- define "posthorn.volumes" -}}
- name: config
  configMap:
    name: {{ include "posthorn.fullname" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Context: {root, component}. A changed configuration restarts the pods, one by one. */}}
{{- define "posthorn.podMetadata" -}}
labels:
  {{- include "posthorn.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  posthorn/serves: "true"
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
  {{- with (index .root.Values .component).podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* A deployment of pods that share PostgreSQL. Context: {root, component, role, isScaled}. */}}
{{- define "posthorn.deployment" -}}
{{- $own := index .root.Values .component }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "posthorn.fullname" .root }}-{{ .component }}
  labels:
    {{- include "posthorn.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  {{- if not .isScaled }}
  replicas: {{ $own.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "posthorn.selectorLabels" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  template:
    metadata:
      {{- include "posthorn.podMetadata" . | nindent 6 }}
    spec:
      {{- include "posthorn.pod" . | trim | nindent 6 }}
      volumes:
        {{- include "posthorn.volumes" .root | nindent 8 }}
{{- end }}

{{- /* Context: {root, component}. */}}
{{- define "posthorn.podDisruptionBudget" -}}
{{- $own := index .root.Values .component }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "posthorn.fullname" .root }}-{{ .component }}
  labels:
    {{- include "posthorn.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  maxUnavailable: {{ $own.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "posthorn.selectorLabels" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Ports and ranges of ports, as the setting targetPorts has them. Context: the list. */}}
{{- define "posthorn.targetPorts" -}}
{{- range . }}
{{- $range := splitList "-" (toString .) }}
- protocol: TCP
  port: {{ first $range | int }}
  {{- if gt (len $range) 1 }}
  endPort: {{ last $range | int }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Refuses in words what the schema can't see. */}}
{{- define "posthorn.check" -}}
{{- if eq .Values.store "postgresql" }}
{{- if not .Values.existingSecret.name }}
{{- fail "existingSecret.name is missing: create a secret with database-url, api-key and encryption-key, and set its name here. For a trial without PostgreSQL, set store=embedded." }}
{{- end }}
{{- range list "databaseUrl" "apiKey" "encryptionKey" }}
{{- if not (index $.Values.existingSecret.keys .) }}
{{- fail (printf "existingSecret.keys.%s is empty, but it is required with store=postgresql: set it to the key's name in the secret." .) }}
{{- end }}
{{- end }}
{{- if and (not .Values.delivery.enabled) (eq .Values.api.role "api") }}
{{- fail "nothing would send: set delivery.enabled=true, or api.role=all." }}
{{- end }}
{{- if and (eq .Values.delivery.autoscaling.kind "keda") .Values.delivery.enabled (not .Values.delivery.autoscaling.keda.prometheusUrl) }}
{{- fail "delivery.autoscaling.keda.prometheusUrl is missing: set it to the URL of your Prometheus, or set delivery.autoscaling.kind=none." }}
{{- end }}
{{- end }}
{{- with .Values.metrics.serviceMonitor }}
{{- if and .enabled (not .authorization.secretName) (not $.Values.settings.metricsOpen) }}
{{- fail "Prometheus would get 401: set metrics.serviceMonitor.authorization.secretName to a secret with an API key of the scope read, or settings.metricsOpen=true if only Prometheus can reach /metrics." }}
{{- end }}
{{- end }}
{{- end }}
