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
{{- $device := dict "id" .id "broker" (include "transship.brokerName" .id) -}}
{{- if regexMatch "^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}[.][0-7]$" .address -}}
{{- $_ := set $device "pciAddress" .address -}}
{{- end -}}
{{- with .allocationIds -}}
{{- $_ := set $device "allocationIds" . -}}
{{- end -}}
{{- $devices = append $devices $device -}}
{{- $_ := set $file "broker" (printf "%s/agent/agent.sock" $values.broker.socketsDir) -}}
{{- else -}}
{{- $devices = append $devices . -}}
{{- end -}}
{{- end -}}
{{- $_ := set $file "devices" $devices -}}
{{- $workloads := list -}}
{{- range .config.workloads -}}
{{- $hook := .hook | default (printf "%s/%s/hook.sock" $values.agent.hooksDir .name) -}}
{{- $workloads = append $workloads (dict "name" .name "hook" $hook "devices" .devices "uid" (int64 .uid)) -}}
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
{{ $dir }}/agent/agent.sock
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
name={{ .name }},path={{ $dir }}/workloads/{{ .name }}/workload.sock,uid={{ int64 .uid }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Folders that the broker of a node needs, a line each: path, owner, mode. All belong to root, so that only the broker makes
sockets in them: it would follow a link that a workload put there. agent is closed to everybody else; a workload gets
through its folder to the socket, which belongs to it. Call with (dict "root" $ "config" $config).
*/}}
{{- define "transship.brokerFolders" -}}
{{- $dir := .root.Values.broker.socketsDir -}}
{{ $dir }} 0 0711
{{ $dir }}/agent 0 0700
{{ $dir }}/workloads 0 0711
{{- range .config.workloads }}
{{ $dir }}/workloads/{{ .name }} 0 0711
{{- end }}
{{- end -}}

{{/*
Folders of the hooks of a node, a line each: path, owner, mode. A workload alone may make its socket. The group is root's
and, by the bit 2000, that of the socket: the agent, root without capabilities, may connect when its mode is 0660.
Call with (dict "root" $ "config" $config).
*/}}
{{- define "transship.hookFolders" -}}
{{- $dir := .root.Values.agent.hooksDir -}}
{{ $dir }} 0 0711
{{- range .config.workloads }}
{{ $dir }}/{{ .name }} {{ int64 .uid }} 2750
{{- end }}
{{- end -}}

{{/*
Init container that makes the folders of its node, or sets right what is there; a folder stays the same one, so that pods
that have it mounted see new sockets. A hostPath alone would belong to root.
Call with (dict "root" $ "component" "agent" "image" .Values.agent.image "volume" "hooks" "path" .Values.agent.hooksDir).
*/}}
{{- define "transship.foldersContainer" -}}
- name: folders
  image: {{ include "transship.image" (dict "root" .root "image" .image) | quote }}
  imagePullPolicy: {{ .image.pullPolicy }}
  command:
    - /bin/sh
    - -c
    - |
      set -euf
      while read -r path owner mode; do
        if [ -L "$path" ]; then
          echo "$path is a symbolic link; remove it and see who made it" >&2
          exit 1
        fi
        mkdir -p "$path"
        chown "$owner:0" "$path"
        chmod "$mode" "$path"
      done < "/etc/transship/folders/$NODE_NAME.{{ .component }}"
  env:
    - name: NODE_NAME
      valueFrom:
        fieldRef: { fieldPath: spec.nodeName }
  securityContext:
    runAsUser: 0
    runAsGroup: 0
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      # To give a folder away, and to set the mode of one that was given away.
      add: [CHOWN, FOWNER]
    seccompProfile:
      type: RuntimeDefault
  resources:
    requests: { cpu: 10m, memory: 16Mi }
    limits: { memory: 64Mi }
  volumeMounts:
    - name: folders
      mountPath: /etc/transship/folders
      readOnly: true
    - name: {{ .volume }}
      mountPath: {{ .path }}
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
{{- $sockets := printf "%s/" .Values.broker.socketsDir -}}
{{- if or (hasPrefix $hooks $sockets) (hasPrefix $sockets $hooks) -}}
{{- fail (printf "agent.hooksDir (%s) and broker.socketsDir (%s) must not lie in each other" $hooks $sockets) -}}
{{- end -}}
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
{{- $called := list -}}
{{- range $config.workloads -}}
{{- $workload := . -}}
{{- if lt (int64 (.uid | default 0)) 1 -}}
{{- fail (printf "agent.devicesConfig.%s: the workload %s needs a uid that is not 0: the user of its pod, who alone gets its devices and serves its hook" $node .name) -}}
{{- end -}}
{{- if has .name $called -}}
{{- fail (printf "agent.devicesConfig.%s: two workloads are called %s" $node .name) -}}
{{- end -}}
{{- $called = append $called .name -}}
{{- with .hook -}}
{{- $own := printf "%s%s/" $hooks $workload.name -}}
{{- if or (not (hasPrefix $own .)) (contains "/" (trimPrefix $own .)) -}}
{{- fail (printf "agent.devicesConfig.%s: the hook %s must lie in the workload's folder of agent.hooksDir (%s)" $node . $own) -}}
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
