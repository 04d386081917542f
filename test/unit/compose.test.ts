import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse, parseAllDocuments } from 'yaml'
import { SECRET_VARIABLE, SETTINGS } from '../../shared/config.ts'
import { variableOf } from '../../shared/setting.ts'
import { ROOT } from '../tidy/source-files.ts'

const read = (file: string): string => readFileSync(`${ROOT}compose/${file}`, 'utf8')

/** What `kv` itself reads in a container, beside the settings of the node. */
const CLIENT_VARIABLES = ['KV_ENDPOINT']

describe('compose', () => {
  const known = new Set([...SETTINGS.map(variableOf), SECRET_VARIABLE, ...CLIENT_VARIABLES])

  for (const file of ['compose.yaml', 'kubernetes/kvring.yaml', 'Dockerfile']) {
    it(`sets nothing in ${file} that is no setting`, () => {
      const named = [...read(file).matchAll(/\bKV_[A-Z_]+/g)].map(([name]) => name)
      expect(named).to.not.be.empty
      expect(named.filter((name) => !known.has(name))).to.deep.equal([])
    })
  }

  it('runs as many nodes as the first layout waits for, with distinct names and data', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as {
      services: Record<string, { environment?: Record<string, string>; volumes: string[] }>
    }
    const nodes = Object.values(services).flatMap(({ environment, volumes }) =>
      environment ? [{ environment, data: volumes[0] }] : [],
    )
    const [first] = nodes
    expect(nodes).to.have.length(Number(first?.environment.KV_BOOTSTRAP_EXPECT))
    expect(new Set(nodes.map(({ environment }) => environment.KV_ID)).size).to.equal(nodes.length)
    expect(new Set(nodes.map(({ data }) => data)).size).to.equal(nodes.length)
    const seeds = nodes.map(({ environment }) => `${environment.KV_ADVERTISE_HOST}:7171`)
    expect(first?.environment.KV_DISCOVERY_SEEDS).to.equal(seeds.join(','))
  })

  it('gives the StatefulSet as many replicas and seeds as the first layout waits for', () => {
    const documents = parseAllDocuments(read('kubernetes/kvring.yaml')).map((document) => {
      expect(document.errors).to.deep.equal([])
      return document.toJS() as { kind: string; spec: StatefulSetSpec }
    })
    const spec = documents.find(({ kind }) => kind === 'StatefulSet')?.spec as StatefulSetSpec
    const environment = new Map(spec.template.spec.containers[0]?.env.map(({ name, value }) => [name, value]))
    expect(environment.get('KV_BOOTSTRAP_EXPECT')).to.equal(String(spec.replicas))
    expect(environment.get('KV_DISCOVERY_SEEDS')?.split(',')).to.have.length(spec.replicas)
  })

  it('sends no write to a second node', () => {
    const [writes = '', reads = ''] = read('nginx.conf').split('location @reads')
    expect(writes).to.include('proxy_next_upstream off;')
    expect(writes).to.include('if ($request_method ~ ^(GET|HEAD)$)')
    expect(reads).to.include('proxy_next_upstream error timeout http_503;')
  })
})

interface StatefulSetSpec {
  readonly replicas: number
  readonly template: {
    readonly spec: {
      readonly containers: { readonly env: { readonly name: string; readonly value?: string }[] }[]
    }
  }
}
