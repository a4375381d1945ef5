import { CustomObjectsApi, KubeConfig, setHeaderOptions } from '@kubernetes/client-node';
import { GROUP, NODE_DEVICE_INVENTORY_PLURAL, VERSION } from '@transship/crds';
import type { Apply } from './publisher.ts';

const FIELD_MANAGER = 'transship-agent';

/**
 * Server-side apply with the credentials of a kubeconfig; null: those of the pod, or what kubectl would use. Fields
 * that others have set are left alone.
 */
export function kubernetesApply(kubeconfig: string | null): Apply {
  const config = new KubeConfig();
  if (kubeconfig === null) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  const options = setHeaderOptions('Content-Type', 'application/apply-patch+yaml');
  return async (name, body, subresource) => {
    const request = {
      group: GROUP,
      version: VERSION,
      plural: NODE_DEVICE_INVENTORY_PLURAL,
      name,
      body,
      fieldManager: FIELD_MANAGER,
      force: true,
    };
    if (subresource === null) await api.patchClusterCustomObject(request, options);
    else await api.patchClusterCustomObjectStatus(request, options);
  };
}
