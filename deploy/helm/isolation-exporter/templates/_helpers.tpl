{{/* Rules and boards select the job of this name, so it does not depend on the release. */}}
{{- define "isolation-exporter.name" -}}isolation-exporter{{- end }}

{{- define "isolation-exporter.metadata" -}}
name: {{ include "isolation-exporter.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  app.kubernetes.io/name: {{ include "isolation-exporter.name" . }}
{{- end }}

{{- define "isolation-exporter.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The variable of a flag. A list becomes values separated by commas. Numbers are floats here, which print as 1e+06. */}}
{{- define "isolation-exporter.variable" -}}
{{- $value := .value }}
{{- if kindIs "slice" .value }}{{ $value = join "," .value }}{{ end }}
{{- if kindIs "float64" .value }}{{ $value = int64 .value }}{{ end -}}
- name: ISOLATION_EXPORTER_{{ regexReplaceAll "[^a-zA-Z0-9]" .flag "_" | upper }}
  value: {{ toString $value | quote }}
{{- end }}

{{- define "isolation-exporter.probe" -}}
path: {{ .path }}
port: metrics
{{- with .probes }}
{{- if ne .scheme "HTTP" }}
scheme: {{ .scheme }}
{{- end }}
{{- with .httpHeaders }}
httpHeaders: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
