{{/* Prefix of all names. */}}
{{- define "transship.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. Call with (dict "root" $ "component" "operator"). */}}
{{- define "transship.labels" -}}
{{ include "transship.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels that never change, for selectors. */}}
{{- define "transship.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* repository:tag. Call with (dict "root" $ "image" .Values.operator.image). */}}
{{- define "transship.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{/* Refuses a devicesConfig that the agent would refuse on its node, where the reason is harder to see. */}}
{{- define "transship.checkDevices" -}}
{{- $dir := printf "%s/" .Values.agent.deviceSocketsDir -}}
{{- range $node, $config := .Values.agent.devicesConfig -}}
{{- range $config.devices -}}
{{- if not (hasPrefix (printf "%s/" $node) .id) -}}
{{- fail (printf "agent.devicesConfig.%s: the id %s must begin with %s/" $node .id $node) -}}
{{- end -}}
{{- if not (hasPrefix $dir .vfioUser) -}}
{{- fail (printf "agent.devicesConfig.%s: the socket %s must lie in agent.deviceSocketsDir (%s)" $node .vfioUser $dir) -}}
{{- end -}}
{{- end -}}
{{- with $config.workload -}}
{{- if not (hasPrefix $dir .emulatorControl) -}}
{{- fail (printf "agent.devicesConfig.%s: the socket %s must lie in agent.deviceSocketsDir (%s)" $node .emulatorControl $dir) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
