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

{{/* Name of a kernel device at the broker. Call with the id. */}}
{{- define "transship.brokerName" -}}
{{- regexReplaceAll "[^A-Za-z0-9._-]" (last (splitList "/" .)) "-" -}}
{{- end -}}

{{/* The devices file of one node, as the agent reads it. Call with (dict "root" $ "node" $node "config" $config). */}}
{{- define "transship.devicesFile" -}}
{{- $values := .root.Values -}}
{{- $file := dict -}}
{{- $devices := list -}}
{{- range .config.devices -}}
{{- if .address -}}
{{- $devices = append $devices (dict "id" .id "broker" (include "transship.brokerName" .id)) -}}
{{- $_ := set $file "broker" (printf "%s/agent.sock" $values.broker.socketsDir) -}}
{{- else -}}
{{- $devices = append $devices . -}}
{{- end -}}
{{- end -}}
{{- $_ := set $file "devices" $devices -}}
{{- $workloads := list -}}
{{- range .config.workloads -}}
{{- $hook := .hook | default (printf "%s/%s.sock" $values.agent.hooksDir .name) -}}
{{- $workloads = append $workloads (dict "name" .name "hook" $hook "devices" .devices) -}}
{{- end -}}
{{- with $workloads -}}
{{- $_ := set $file "workloads" . -}}
{{- end -}}
{{- with .config.workload -}}
{{- $_ := set $file "workload" . -}}
{{- end -}}
{{- toYaml $file -}}
{{- end -}}

{{/*
Arguments of the broker of one node, a word a line; the devices that it opens and who may have them.
Call with (dict "root" $ "node" $node "config" $config).
*/}}
{{- define "transship.brokerArguments" -}}
{{- $dir := .root.Values.broker.socketsDir -}}
{{- $config := .config -}}
{{- $kernel := list -}}
--agent-socket
{{ $dir }}/agent.sock
--agent-uid
0
{{- range .config.devices }}
{{- if .address }}
{{- $id := .id -}}
{{- $kernel = append $kernel $id }}
{{- $keys := list (printf "name=%s" (include "transship.brokerName" $id)) (printf "address=%s" .address) -}}
{{- range $config.workloads -}}
{{- if has $id .devices -}}
{{- $keys = append $keys (printf "workload=%s" .name) -}}
{{- end -}}
{{- end -}}
{{- with .interface -}}
{{- $keys = append $keys (printf "interface=%s" .) -}}
{{- end }}
--device
{{ join "," $keys }}
{{- end }}
{{- end }}
{{- range .config.workloads }}
{{- $own := false -}}
{{- range .devices -}}
{{- if has . $kernel -}}
{{- $own = true -}}
{{- end -}}
{{- end -}}
{{- if $own }}
--workload-socket
name={{ .name }},path={{ $dir }}/{{ .name }}.sock,uid={{ int64 (.uid | default 0) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Nodes with devices that a broker keeps, a name a line; empty without one. */}}
{{- define "transship.brokeredNodes" -}}
{{- range $node, $config := .Values.agent.devicesConfig -}}
{{- $brokered := false -}}
{{- range $config.devices -}}
{{- if .address -}}
{{- $brokered = true -}}
{{- end -}}
{{- end -}}
{{- if $brokered -}}
{{ $node }}{{ "\n" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Something where a workload with a hook is named, else nothing. */}}
{{- define "transship.hasWorkloads" -}}
{{- range $config := .Values.agent.devicesConfig -}}
{{- if $config.workloads -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuses a devicesConfig that the agent would refuse on its node, where the reason is harder to see. */}}
{{- define "transship.checkDevices" -}}
{{- $dir := printf "%s/" .Values.agent.deviceSocketsDir -}}
{{- $hooks := printf "%s/" .Values.agent.hooksDir -}}
{{- range $node, $config := .Values.agent.devicesConfig -}}
{{- $ids := list -}}
{{- $names := list -}}
{{- range $config.devices -}}
{{- if not (hasPrefix (printf "%s/" $node) .id) -}}
{{- fail (printf "agent.devicesConfig.%s: the id %s must begin with %s/" $node .id $node) -}}
{{- end -}}
{{- if has .id $ids -}}
{{- fail (printf "agent.devicesConfig.%s: two devices have the id %s" $node .id) -}}
{{- end -}}
{{- $ids = append $ids .id -}}
{{- if .address -}}
{{- $name := include "transship.brokerName" .id -}}
{{- if has $name $names -}}
{{- fail (printf "agent.devicesConfig.%s: %s and another device would have the name %s at the broker" $node .id $name) -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- else if not (hasPrefix $dir .vfioUser) -}}
{{- fail (printf "agent.devicesConfig.%s: the socket %s must lie in agent.deviceSocketsDir (%s)" $node .vfioUser $dir) -}}
{{- end -}}
{{- end -}}
{{- $driven := list -}}
{{- range $config.workloads -}}
{{- $workload := . -}}
{{- if eq .name "agent" -}}
{{- fail (printf "agent.devicesConfig.%s: a workload cannot be called agent, whose socket that would be" $node) -}}
{{- end -}}
{{- with .hook -}}
{{- if not (hasPrefix $hooks .) -}}
{{- fail (printf "agent.devicesConfig.%s: the hook %s must lie in agent.hooksDir (%s)" $node . $hooks) -}}
{{- end -}}
{{- end -}}
{{- range .devices -}}
{{- if not (has . $ids) -}}
{{- fail (printf "agent.devicesConfig.%s: the workload %s names %s, which is not one of the devices" $node $workload.name .) -}}
{{- end -}}
{{- if has . $driven -}}
{{- fail (printf "agent.devicesConfig.%s: two workloads have the device %s" $node .) -}}
{{- end -}}
{{- $driven = append $driven . -}}
{{- end -}}
{{- end -}}
{{- with $config.workload -}}
{{- if not (hasPrefix $dir .emulatorControl) -}}
{{- fail (printf "agent.devicesConfig.%s: the socket %s must lie in agent.deviceSocketsDir (%s)" $node .emulatorControl $dir) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
