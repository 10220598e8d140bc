{{- define "nixery.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "nixery.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "nixery.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "nixery.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "nixery.selector" -}}
app.kubernetes.io/name: {{ include "nixery.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "nixery.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "nixery.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "nixery.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "nixery.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "nixery.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end }}

{{- define "nixery.container" -}}
image: {{ include "nixery.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* Neither Nix nor ssh runs as a user without a name, and the image names user 1000 only. Whoever leaves
the choice to the cluster, as on OpenShift, leaves it the name too. */}}
{{- define "nixery.userMount" -}}
{{- $user := .Values.securityContext.runAsUser -}}
{{- if and $user (ne (int $user) 1000) -}}
- name: user
  mountPath: /etc/passwd
  subPath: passwd
  readOnly: true
{{- end -}}
{{- end }}

{{- define "nixery.check" -}}
{{- $sources := 0 -}}
{{- if .Values.source.channel }}{{ $sources = add1 $sources }}{{ end -}}
{{- if .Values.source.repository }}{{ $sources = add1 $sources }}{{ end -}}
{{- if ne (int $sources) 1 }}{{ fail "Set exactly one of source.channel and source.repository (the channel has a default: set it to \"\")." }}{{ end -}}
{{- if and (eq .Values.storage.backend "gcs") (not .Values.storage.gcs.bucket) }}{{ fail "Set storage.gcs.bucket, or another storage.backend." }}{{ end -}}
{{- $most := int .Values.replicas -}}
{{- if .Values.autoscaling.enabled }}{{ $most = int .Values.autoscaling.maxReplicas }}{{ end -}}
{{- if and (gt $most 1) (eq .Values.storage.backend "filesystem") (not .Values.storage.filesystem.existingClaim) }}{{ fail "More than one replica need a storage that they share: set storage.backend to gcs, or storage.filesystem.existingClaim to a ReadWriteMany claim." }}{{ end -}}
{{- end }}
