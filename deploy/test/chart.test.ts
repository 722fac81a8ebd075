/** The chart: helm's own lint and templates, the schemas of Kubernetes and of what else it uses, and what it promises. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { loadConfig } from '../../packages/server/src/config/config.ts'
import {
  SETTING_KEYS,
  SETTINGS,
  type SettingKey,
  type Source,
  variableName,
} from '../../packages/server/src/config/settings.ts'
import { parseDockerfile } from '../docker/dockerfile.ts'
import { ROOT, run, toolsFolder } from './tools.ts'

const CHART = 'deploy/helm/posthorn'
const EXAMPLES = readdirSync(join(ROOT, 'deploy/helm/examples'))
/** The oldest version that the chart says it supports, and the newest with a schema. */
const KUBERNETES = ['1.25.0', '1.37.0']
const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'))
const last = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).at(-1)!
const ofImage: Record<string, string> = Object.assign(
  {},
  ...last.instructions.map(each => (each.kind === 'ENV' ? each.pairs : {})),
)

// biome-ignore lint/suspicious/noExplicitAny: what helm prints has the types of Kubernetes, which kubeconform checks
type Resource = any
type Labels = Record<string, string>

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-chart-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Rendered = { readonly text: string; readonly resources: Resource[] }

const rendered = new Map<string, Promise<Rendered>>()

/** What helm makes of an example, or of values. */
function render(values: string | object): Promise<Rendered> {
  const key = JSON.stringify(values)
  const found = rendered.get(key) ?? renderNew(values)
  rendered.set(key, found)
  return found
}

async function renderNew(values: string | object): Promise<Rendered> {
  const { code, stdout, stderr } = await helm('template', values)
  expect([code, stderr]).toEqual([0, ''])
  const resources = parseAllDocuments(stdout)
    .map(document => document.toJS())
    .filter(Boolean)
  return { text: stdout, resources }
}

/** @param values the name of an example, or values */
async function helm(command: 'template' | 'lint', values: string | object) {
  const given = join(folder, `values-${crypto.randomUUID()}.yaml`)
  if (typeof values === 'object') writeFileSync(given, stringify(values))
  const file = typeof values === 'object' ? given : join(ROOT, 'deploy/helm/examples', values)
  const start = command === 'lint' ? ['lint', '--strict', CHART] : ['template', 'hooks', CHART, '--namespace', 'shop']
  return run('helm', [...start, '--values', file])
}

async function refusal(values: object): Promise<string> {
  const { code, stderr } = await helm('template', values)
  expect(code).toBe(1)
  return stderr
}

const postgresql = (more: object = {}) => ({ existingSecret: { name: 'keys' }, ...more })
const ofKind = (resources: Resource[], kind: string): Resource[] => resources.filter(each => each.kind === kind)
const named = (resources: Resource[], kind: string, name: string): Resource =>
  resources.find(each => each.kind === kind && each.metadata.name === name)
const containerOf = (resource: Resource): Resource => (resource.spec.template ?? resource).spec.containers[0]

/** All pods, by the name of what makes them. */
function pods(resources: Resource[]): { name: string; labels: Labels; spec: Resource; serves: boolean }[] {
  return resources.flatMap(resource => {
    const template = resource.kind === 'Pod' ? resource : resource.spec?.template
    if (template?.spec?.containers === undefined) return []
    const serves = template.spec.containers[0].args?.[0] === 'serve'
    return [{ name: resource.metadata.name, labels: template.metadata.labels, spec: template.spec, serves }]
  })
}

const selected = (resources: Resource[], selector: Labels): string[] =>
  pods(resources).flatMap(({ name, labels }) =>
    Object.entries(selector).every(([key, value]) => labels[key] === value) ? [name] : [],
  )

describe.each(EXAMPLES)('with examples/%s', example => {
  it('passes helm lint', async () => {
    const { code, stdout } = await helm('lint', example)
    expect([code, stdout.replace('[INFO] Chart.yaml: icon is recommended\n', '')]).toEqual([
      0,
      expect.stringContaining('1 chart(s) linted, 0 chart(s) failed'),
    ])
    expect(stdout).not.toMatch(/WARNING|ERROR/)
  })

  it("satisfies Prometheus Operator's own types", async () => {
    for (const monitor of ofKind((await render(example)).resources, 'ServiceMonitor')) {
      expect(await run('monitor-check', [], stringify(monitor))).toEqual({ code: 0, stdout: '', stderr: '' })
    }
  })

  it('satisfies the Pod Security Standard "restricted", with a read-only root', async () => {
    for (const { name, spec } of pods((await render(example)).resources)) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(spec.automountServiceAccountToken).toBe(false)
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC]).toEqual([undefined, undefined, undefined])
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        expect([name, container.securityContext]).toEqual([
          name,
          { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        ])
        expect(container.resources.limits.memory).toBeDefined()
      }
    }
  })

  it('starts Posthorn with settings that it accepts', async () => {
    const { resources } = await render(example)
    const starts = pods(resources).flatMap(pod => (pod.labels['app.kubernetes.io/component'] === 'test' ? [] : [pod]))
    expect(starts.length).toBeGreaterThan(0)
    for (const { name, spec, serves } of starts) {
      const result = loaded(spec.containers[0].env ?? [], ofKind(resources, 'ConfigMap')[0].data['posthorn.json'])
      expect([name, result]).toEqual([name, expect.objectContaining({ ok: true })])
      if (result.ok) expect([name, result.config.port]).toEqual([name, 8470])
      const isMigration = spec.containers[0].args[0] === 'migrate'
      expect([name, serves || isMigration]).toEqual([name, true])
    }
  })

  it('takes every secret from a secret', async () => {
    const { text, resources } = await render(example)
    expect(ofKind(resources, 'Secret')).toEqual([])
    const secrets = SETTING_KEYS.filter(isSecret).map(variableName)
    for (const { spec } of pods(resources)) {
      for (const { name, valueFrom } of spec.containers[0].env ?? []) {
        if (secrets.includes(name)) expect([name, valueFrom]).toEqual([name, { secretKeyRef: expect.anything() }])
      }
    }
    expect(text).not.toMatch(/postgres(ql)?:\/\//)
  })

  it('selects the pods that it means', async () => {
    const { resources } = await render(example)
    const serving = pods(resources).flatMap(({ name, serves }) => (serves ? [name] : []))
    const full = ofKind(resources, 'ConfigMap')[0].metadata.name
    const calls = serving.length === 1 ? serving : [`${full}-api`]
    expect(selected(resources, named(resources, 'Service', full).spec.selector)).toEqual(calls)
    expect(selected(resources, named(resources, 'Service', `${full}-metrics`).spec.selector)).toEqual(serving)
    for (const each of [...ofKind(resources, 'Deployment'), ...ofKind(resources, 'StatefulSet')]) {
      expect(selected(resources, each.spec.selector.matchLabels)).toEqual([each.metadata.name])
    }
    for (const each of ofKind(resources, 'PodDisruptionBudget')) {
      expect(selected(resources, each.spec.selector.matchLabels)).toEqual([each.metadata.name])
    }
    const policies = ofKind(resources, 'NetworkPolicy')
    const egress = named(policies, 'NetworkPolicy', `${full}-egress`).spec.podSelector.matchLabels
    expect(selected(resources, egress).toSorted()).toEqual(serving.toSorted())
    const guarded = policies.filter(({ spec }) => spec.policyTypes.includes('Ingress'))
    expect(guarded.flatMap(({ spec }) => selected(resources, spec.podSelector.matchLabels)).toSorted()).toEqual(
      serving.toSorted(),
    )
    for (const monitor of ofKind(resources, 'ServiceMonitor')) {
      const services = ofKind(resources, 'Service').filter(({ metadata }) =>
        Object.entries(monitor.spec.selector.matchLabels).every(([key, value]) => metadata.labels[key] === value),
      )
      expect(services.map(({ metadata }) => metadata.name)).toEqual([`${full}-metrics`])
    }
  })

  it('gives a pod longer to stop than Posthorn takes', async () => {
    const { resources } = await render(example)
    for (const { spec, serves } of pods(resources)) {
      if (!serves) continue
      const result = loaded(spec.containers[0].env, ofKind(resources, 'ConfigMap')[0].data['posthorn.json'])
      const drainSeconds = result.ok ? result.config.drainTimeoutMs / 1_000 : Number.NaN
      const sleep = Number(spec.containers[0].lifecycle?.preStop.exec.command[1] ?? 0)
      // Ten seconds are for settling and closing (STOP_GRACE_MS).
      expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(drainSeconds + 10 + sleep)
    }
  })
})

/** Those that have no flag, but for one that goes with `proxy`. */
function isSecret(key: SettingKey): boolean {
  const sources: readonly Source[] = SETTINGS[key].sources
  return !sources.includes('flag') && key !== 'noProxy'
}

/** What Posthorn makes of the environment and of the file that it gets, with made-up secrets. */
function loaded(env: { name: string; value?: string; valueFrom?: { secretKeyRef: { key: string } } }[], file: string) {
  const secrets: Record<string, string> = {
    POSTHORN_DATABASE_URL: 'postgres://posthorn:secret@db.example.com/posthorn',
    POSTHORN_LISTEN_URL: 'postgres://posthorn:secret@db.example.com/posthorn',
    POSTHORN_API_KEY: 'test-api-key-0123456789',
    POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
    POSTHORN_OLDER_ENCRYPTION_KEYS: Buffer.alloc(32, 2).toString('base64'),
    POSTHORN_SMTP_URL: 'smtps://user:password@mail.example.com',
    POSTHORN_PROXY: 'http://proxy.example.com:3128',
    POSTHORN_SINGLE_SIGN_ON: '[]',
  }
  const given = env.map(({ name, value, valueFrom }) => {
    if (valueFrom !== undefined && secrets[name] === undefined) throw new Error(`${name} has no value here: add one.`)
    return [name, valueFrom === undefined ? value : secrets[name]] as const
  })
  return loadConfig({
    flags: {},
    env: { ...ofImage, ...Object.fromEntries(given) },
    readFile: path => (path === '/etc/posthorn/posthorn.json' ? file : certificate()),
  })
}

/** For `extraCa`, which has to be one. */
const certificate = (): string => readFileSync('/etc/ssl/certs/ca-certificates.crt', 'utf8')

/** Where kubeconform finds schemas: Kubernetes' as they came, and KEDA's made from its definition. */
function writeSchemas(): { kubernetes: string; others: string } {
  const definition = parse(readFileSync(join(toolsFolder(), 'schemas/scaledobjects.yaml'), 'utf8'))
  const [found] = definition.spec.versions.filter((each: { name: string }) => each.name === 'v1alpha1')
  writeFileSync(join(folder, 'scaledobject-keda-v1alpha1.json'), JSON.stringify(closed(found.schema.openAPIV3Schema)))
  const names = '{{.NormalizedKubernetesVersion}}-local{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json'
  return {
    kubernetes: join(toolsFolder(), 'schemas/kubernetes_validate/kubernetes-json-schema', names),
    others: join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json'),
  }
}

/** Allows nothing in an object but what the definition lists: a cluster drops the rest without a word. */
function closed(schema: Resource): Resource {
  if (Array.isArray(schema)) return schema.map(closed)
  if (schema === null || typeof schema !== 'object') return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties !== undefined
  // `metadata` is known to the cluster, and said to be just an object here.
  return schema.type === 'object' && schema.properties !== undefined && !isOpen
    ? { ...inner, additionalProperties: false }
    : inner
}

describe.each(KUBERNETES)('Kubernetes %s', kubernetes => {
  it('takes all that the examples make', async () => {
    const all = await Promise.all(EXAMPLES.map(render))
    const schemas = writeSchemas()
    const flags = ['-strict', '-summary', '-kubernetes-version', kubernetes]
    const locations = [schemas.kubernetes, schemas.others].flatMap(each => ['-schema-location', each])
    // Of these there is no schema to be had: `monitor-check` reads them below.
    const { code, stdout, stderr } = await run(
      'kubeconform',
      [...flags, ...locations, '-skip', 'ServiceMonitor'],
      all.map(({ text }) => text).join('---\n'),
    )
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/Valid: \d{2}, Invalid: 0, Errors: 0/), ''])
  })

  it('would refuse an unknown member, of its own and of KEDA', async () => {
    const schemas = writeSchemas()
    const [object] = ofKind((await render('autoscaling.yaml')).resources, 'ScaledObject')
    const [account] = ofKind((await render('autoscaling.yaml')).resources, 'ServiceAccount')
    const wrong = [
      { ...object, spec: { ...object.spec, minReplicas: 1 } },
      { ...account, tokens: false },
    ]
    const locations = [schemas.kubernetes, schemas.others].flatMap(each => ['-schema-location', each])
    const flags = ['-strict', '-summary', '-kubernetes-version', kubernetes]
    const { code, stdout } = await run(
      'kubeconform',
      [...flags, ...locations],
      wrong.map(each => stringify(each)).join('---\n'),
    )
    expect([code, stdout]).toEqual([1, expect.stringContaining('Invalid: 2, Errors: 0')])
  })
})

describe('the chart', () => {
  it("has Posthorn's version, and runs the image of that version", async () => {
    const chart = parse(readFileSync(join(ROOT, CHART, 'Chart.yaml'), 'utf8'))
    expect([chart.version, chart.appVersion]).toEqual([version, version])
    for (const { spec } of pods((await render(postgresql())).resources)) {
      expect(spec.containers[0].image).toBe(`posthorn:${version}`)
    }
  })

  it('offers every setting that is not secret and not its own, and nothing else', () => {
    const schema = JSON.parse(readFileSync(join(ROOT, CHART, 'values.schema.json'), 'utf8'))
    const own = ['config', 'data', 'host', 'port', 'role', 'dashboardListen']
    const shapes = { list: 'array', switch: 'boolean', scalar: ['string', 'number'] }
    const expected = SETTING_KEYS.filter(key => !own.includes(key)).flatMap(key => {
      return isSecret(key) ? [] : [[key, { type: shapes[SETTINGS[key].kind.shape] }]]
    })
    expect(schema.properties.settings.properties).toEqual(Object.fromEntries(expected))
    const secret = SETTING_KEYS.filter(isSecret)
    expect(Object.keys(schema.properties.existingSecret.properties.keys.properties).toSorted()).toEqual(
      secret.toSorted(),
    )
  })

  it('knows every default value in its schema', () => {
    const values = parse(readFileSync(join(ROOT, CHART, 'values.yaml'), 'utf8'))
    const schema = JSON.parse(readFileSync(join(ROOT, CHART, 'values.schema.json'), 'utf8'))
    const compare = (value: Resource, known: Resource, path: string) => {
      if (known.properties === undefined) return
      const wanted = path === '.settings' ? [] : Object.keys(known.properties).filter(key => key !== 'global')
      expect([path, Object.keys(value).toSorted()]).toEqual([path, wanted.toSorted()])
      for (const key of wanted) compare(value[key], known.properties[key], `${path}.${key}`)
    }
    compare(values, schema, '')
  })

  it('parts taking calls from sending, with PostgreSQL', async () => {
    const { resources } = await render(postgresql())
    const roles = ofKind(resources, 'Deployment').map(each => {
      const { env } = containerOf(each)
      return [each.metadata.name, env.find((one: { name: string }) => one.name === 'POSTHORN_ROLE').value]
    })
    expect(roles).toEqual([
      ['hooks-posthorn-api', 'api'],
      ['hooks-posthorn-delivery', 'delivery'],
    ])
    expect(ofKind(resources, 'StatefulSet')).toEqual([])
    expect(ofKind(resources, 'PodDisruptionBudget')).toHaveLength(2)
  })

  it('migrates before pods of the new version start, and needs nothing of the release for it', async () => {
    const { resources } = await render(postgresql())
    const job = named(resources, 'Job', 'hooks-posthorn-migrate')
    expect(job.metadata.annotations['helm.sh/hook']).toBe('pre-install,pre-upgrade')
    expect(containerOf(job).args).toEqual(['migrate'])
    expect(containerOf(job).env.map(({ name }: { name: string }) => name)).toEqual(['POSTHORN_DATABASE_URL'])
    expect(job.spec.template.spec).not.toHaveProperty('serviceAccountName')
    expect(JSON.stringify(job)).not.toMatch(/configMap/)
    const without = await render(postgresql({ migrations: { enabled: false } }))
    expect(ofKind(without.resources, 'Job')).toEqual([])
  })

  it('has exactly one pod with a volume of its own, with the embedded store', async () => {
    const { resources } = await render('embedded.yaml')
    expect(ofKind(resources, 'Deployment')).toEqual([])
    expect(ofKind(resources, 'Job')).toEqual([])
    const [set] = ofKind(resources, 'StatefulSet')
    expect(set.spec.replicas).toBe(1)
    expect(set.spec.volumeClaimTemplates[0].spec.resources.requests.storage).toBe('20Gi')
    expect(containerOf(set).volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' })
    const data = containerOf(set).env.find(({ name }: { name: string }) => name === 'POSTHORN_DATA')
    expect(data.value).toBe('/data/store')
    expect(set.spec.template.spec.securityContext.fsGroup).toBe(10_001)
    const claimed = await render({ store: 'embedded', embedded: { persistence: { existingClaim: 'mine' } } })
    const [other] = ofKind(claimed.resources, 'StatefulSet')
    expect(other.spec).not.toHaveProperty('volumeClaimTemplates')
    expect(other.spec.template.spec.volumes).toContainEqual({
      name: 'data',
      persistentVolumeClaim: { claimName: 'mine' },
    })
    expect(await refusal({ store: 'embedded', embedded: { replicas: 2 } })).toContain("'replicas' not allowed")
  })

  it('restarts no pod because the database is away, and sends no call to a pod that is not ready', async () => {
    for (const { serves, spec } of pods((await render(postgresql())).resources)) {
      if (!serves) continue
      const { livenessProbe, startupProbe, readinessProbe } = spec.containers[0]
      expect([livenessProbe.httpGet.path, startupProbe.httpGet.path]).toEqual(['/healthz', '/healthz'])
      expect(readinessProbe.httpGet.path).toBe('/readyz')
      // Posthorn responds within two seconds.
      expect(readinessProbe.timeoutSeconds).toBeGreaterThan(2)
    }
    const reading = await render({ store: 'embedded', probes: { readinessPath: '/readyz/reading' } })
    expect(containerOf(ofKind(reading.resources, 'StatefulSet')[0]).readinessProbe.httpGet.path).toBe('/readyz/reading')
  })

  it('restarts the pods if a setting changes', async () => {
    const sum = async (settings: object) =>
      ofKind((await render(postgresql({ settings }))).resources, 'Deployment').map(
        each => each.spec.template.metadata.annotations['checksum/config'],
      )
    const [before, again, after] = [await sum({}), await sum({}), await sum({ maxBatch: 10 })]
    expect(again).toEqual(before)
    expect(after).not.toEqual(before)
  })

  it('writes numbers and lists as Posthorn reads them', async () => {
    const { resources } = await render('everything.yaml')
    const settings = JSON.parse(ofKind(resources, 'ConfigMap')[0].data['posthorn.json'])
    const { settings: given } = parse(readFileSync(join(ROOT, 'deploy/helm/examples/everything.yaml'), 'utf8'))
    expect(settings).toEqual(given)
    expect(pods(resources)[0]!.spec.securityContext.runAsUser).toBe(1_000_680_000)
  })

  it('lets pods reach names, the database and receivers, and no private network that is not opened', async () => {
    const policy = async (values: string | object, name: string) =>
      named((await render(values)).resources, 'NetworkPolicy', name).spec.egress
    const [dns, database, receivers] = await policy(postgresql(), 'hooks-posthorn-egress')
    expect(dns.ports.map(({ port }: { port: number }) => port)).toEqual([53, 53])
    expect(database).toEqual({ ports: [{ protocol: 'TCP', port: 5432 }] })
    const all = SETTINGS.targetPorts.default as string[]
    expect(receivers.ports).toEqual(ports(all))
    expect(receivers.to[0].ipBlock.except).toEqual(
      expect.arrayContaining(['10.0.0.0/8', '169.254.0.0/16', '127.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12']),
    )
    expect(receivers.to[1].ipBlock).toEqual({ cidr: '::/0', except: ['fc00::/7', 'fe80::/10', 'ff00::/8'] })
    const some = await policy('everything.yaml', 'hooks-egress')
    expect(some[2].ports).toEqual(ports(['443', '8000-8999']))
    expect(some[2].to.slice(2).map(({ ipBlock }: Resource) => ipBlock.cidr)).toEqual([
      '10.2.0.0/16',
      '10.9.8.7/32',
      '2001:db8:1::/48',
      '2001:db8::7/128',
    ])
    expect(some[3]).toEqual({ ports: [{ protocol: 'TCP', port: 465 }] })
    const embedded = await policy('embedded.yaml', 'hooks-posthorn-egress')
    expect(embedded).toHaveLength(2)
  })

  it('lets Prometheus alone connect to pods that only send', async () => {
    const { resources } = await render('postgresql.yaml')
    const [rule] = named(resources, 'NetworkPolicy', 'hooks-posthorn-delivery').spec.ingress
    const monitoring = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }
    expect(rule.from).toEqual([monitoring])
    const { from } = named(resources, 'NetworkPolicy', 'hooks-posthorn-api').spec.ingress[0]
    expect(from).toContainEqual(monitoring)
    // `helm test` calls the API as well.
    const pods = from.flatMap(({ podSelector }: Resource) => (podSelector ? [podSelector.matchLabels] : []))
    expect(pods.map((labels: Labels) => selected(resources, labels))).toEqual([['hooks-posthorn-test']])
  })

  it('spreads the pods of a component over machines, unless told otherwise', async () => {
    for (const each of ofKind((await render(postgresql())).resources, 'Deployment')) {
      const [constraint] = each.spec.template.spec.topologySpreadConstraints
      expect(constraint.labelSelector.matchLabels).toEqual(each.spec.selector.matchLabels)
    }
  })

  it.each([
    [{}, 'existingSecret.name is missing'],
    [postgresql({ delivery: { enabled: false } }), 'nothing would send'],
    [postgresql({ delivery: { autoscaling: { kind: 'keda' } } }), 'keda.prometheusUrl is missing'],
    [postgresql({ metrics: { serviceMonitor: { enabled: true } } }), 'Prometheus would get 401'],
    [{ existingSecret: { name: 'keys', keys: { apiKey: '' } } }, 'existingSecret.keys.apiKey is empty'],
    [postgresql({ settings: { maxInFlights: 1 } }), "'maxInFlights' not allowed"],
    [postgresql({ settings: { databaseUrl: 'x' } }), "'databaseUrl' not allowed"],
    [postgresql({ settings: { encryptionKey: 'x' } }), "'encryptionKey' not allowed"],
    [postgresql({ settings: { role: 'all' } }), "'role' not allowed"],
    [postgresql({ replicas: 3 }), "'replicas' not allowed"],
    [postgresql({ store: 'sqlite' }), 'store'],
    [postgresql({ image: { digest: 'latest' } }), 'digest'],
  ])('refuses %j, and says why', async (values, why) => {
    expect(await refusal(values)).toContain(why)
  })
})

const ports = (ranges: string[]) =>
  ranges.map(range => {
    const [port, endPort] = range.split('-').map(Number)
    return { protocol: 'TCP', port, ...(endPort === undefined ? {} : { endPort }) }
  })

describe('autoscaling by lag', () => {
  const scaled = async () => ofKind((await render('autoscaling.yaml')).resources, 'ScaledObject')[0]

  it('leaves the number of pods to the autoscaler', async () => {
    const { resources } = await render('autoscaling.yaml')
    for (const each of ofKind(resources, 'Deployment')) expect(each.spec).not.toHaveProperty('replicas')
    const object = await scaled()
    expect(object.spec).toMatchObject({
      scaleTargetRef: { name: 'hooks-posthorn-delivery' },
      minReplicaCount: 2,
      maxReplicaCount: 20,
    })
    expect(object.spec.triggers[0].metadata.threshold).toBe('2000')
  })

  it('asks for metrics that Posthorn has, and gets the due deliveries while the pods are busy, otherwise 0', async () => {
    const { query } = (await scaled()).spec.triggers[0].metadata
    const docs = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
    for (const metric of query.match(/posthorn_\w+/g)) expect(docs).toContain(metric)
    const pod = (name: string) => `namespace="shop",service="hooks-posthorn-metrics",pod="hooks-posthorn-${name}-1"`
    const test = (name: string, backlog: number, inFlight: number, cpuEachMinute: number, expected: number) => ({
      name,
      interval: '30s',
      input_series: [
        { series: `posthorn_backlog_deliveries{${pod('delivery')}}`, values: `${backlog}x20` },
        { series: `posthorn_attempts_in_flight{${pod('delivery')}}`, values: `${inFlight}x20` },
        { series: `process_cpu_seconds_total{${pod('delivery')}}`, values: `0+${cpuEachMinute / 2}x20` },
        // Neither a busy pod that takes calls, nor another installation, says anything about the pods that send.
        { series: `process_cpu_seconds_total{${pod('api')}}`, values: '0+30x20' },
        { series: 'posthorn_backlog_deliveries{namespace="other",service="hooks-posthorn-metrics"}', values: '77x20' },
      ],
      promql_expr_test: [{ expr: query, eval_time: '8m', exp_samples: [{ labels: '{}', value: expected }] }],
    })
    const tests = [
      test('many are due, and all slots are taken', 9_000, 1_000, 6, 9_000),
      test('many are due, and the processor is the limit', 9_000, 20, 54, 9_000),
      test('many are due to a receiver that is down', 9_000, 1, 1, 0),
      test('nothing is due', 0, 1_000, 54, 0),
    ]
    const none = { interval: '30s', input_series: [], promql_expr_test: tests[3]!.promql_expr_test }
    const file = join(folder, 'query.test.yml')
    writeFileSync(file, stringify({ rule_files: [], evaluation_interval: '30s', tests: [...tests, none] }))
    const { code, stdout, stderr } = await run('promtool', ['test', 'rules', file])
    expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')])
  })

  it('can also use an external metric', async () => {
    const { resources } = await render(postgresql({ delivery: { autoscaling: { kind: 'hpa' } } }))
    const [scaler] = ofKind(resources, 'HorizontalPodAutoscaler')
    expect(scaler.spec.metrics[0].external.metric).toEqual({
      name: 'posthorn_backlog_deliveries',
      selector: { matchLabels: { namespace: 'shop', service: 'hooks-posthorn-metrics' } },
    })
  })
})
