import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Service } from 'kubernetes-models/v1/Service'
import { parseAllDocuments } from 'yaml'

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string }
  spec: { selector?: object; template?: { metadata: { labels: object }; spec: PodSpec } }
}

interface PodSpec {
  securityContext: object
  containers: { name: string; securityContext: object; volumeMounts: { name: string }[] }[]
  volumes?: { name: string }[]
}

// biome-ignore lint/suspicious/noExplicitAny: each takes its own kind's fields.
const MODELS: Record<string, new (data: any) => { validate(): void }> = {
  'apps/v1 DaemonSet': DaemonSet,
  'apps/v1 Deployment': Deployment,
  'apps/v1 StatefulSet': StatefulSet,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'v1 Service': Service,
}

const file = join(import.meta.dirname, '../../docker/kubernetes/shoal.yaml')
const manifests = parseAllDocuments(readFileSync(file, 'utf8')).map((document): Manifest => document.toJS())
const validate = (manifest: Manifest): void =>
  new MODELS[`${manifest.apiVersion} ${manifest.kind}`]!(manifest).validate()

test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
  "%s is valid in Kubernetes's schema",
  (_, manifest) => validate(manifest),
)

test('the schema check finds a wrong type', () => {
  const [deployment] = manifests.filter(({ kind }) => kind === 'Deployment')
  expect(() =>
    validate({ ...deployment!, spec: { ...deployment!.spec, replicas: 'three' } as never }),
  ).toThrow(/replicas/)
})

const workloads = manifests.filter(({ spec }) => spec.template)

test.each(workloads.map((manifest) => [manifest.kind, manifest.spec.template!.spec] as const))(
  'the pods of the %s run without privileges, and mount only declared volumes',
  (_, { securityContext, containers, volumes = [] }) => {
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    for (const container of containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      const claimed = [...volumes.map(({ name }) => name), 'data']
      for (const { name } of container.volumeMounts) expect(claimed).toContain(name)
    }
  },
)

test('every selector matches the pods of exactly one workload', () => {
  const labels = workloads.map(({ spec }) => JSON.stringify(spec.template!.metadata.labels))
  for (const { kind, spec } of manifests) {
    const selector = (spec.selector as { matchLabels?: object }).matchLabels ?? spec.selector
    expect([kind, labels.filter((label) => label === JSON.stringify(selector)).length]).toEqual([kind, 1])
  }
})
