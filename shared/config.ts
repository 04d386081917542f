import { HINT_SETTINGS, type HintConfig } from './config-hints.ts'
import { REPAIR_SETTINGS, type RepairConfig } from './config-repair.ts'
import type { Setting } from './setting.ts'

/** All settings of one node, resolved. Names, defaults and meanings stand in SETTINGS. */
export interface NodeConfig extends RepairConfig, HintConfig {
  readonly id: string
  readonly cluster: string
  readonly secretFile: string
  readonly data: string
  readonly host: string
  readonly httpPort: number
  readonly peerPort: number
  readonly advertiseHost: string
  readonly allowedHosts: readonly string[]
  readonly discoveryPort: number
  readonly discoveryBroadcast: string
  readonly discoveryMulticast: string
  readonly discoverySeeds: readonly string[]
  readonly zone: string
  readonly weight: number
  readonly bootstrapExpect: number
  readonly n: number
  readonly r: number
  readonly w: number
  readonly conflicts: 'lww' | 'siblings'
  readonly durability: 'sync' | 'async'
  readonly minFreeBytes: number
  readonly maxSkewMs: number
  readonly maxValueBytes: number
  readonly requestTimeoutMs: number
  readonly recordCacheBytes: number
  readonly maxHttpConnections: number
  readonly maxHeaderBytes: number
  readonly chaos: boolean
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly logFormat: 'json' | 'text'
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const NAME_ALLOWED = '1 to 63 letters, digits, dots, dashes or underscores'
const HOST = /^[A-Za-z0-9.:_-]{1,253}$/
const IPV4_OR_NONE = /^$|^\d{1,3}(\.\d{1,3}){3}$/
const HOST_PORT = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}$/

const port = { type: 'integer', min: 0, max: 65535 } as const
const MIB = 1024 * 1024

export const SETTINGS: readonly Setting<keyof NodeConfig>[] = [
  {
    name: 'id',
    path: 'id',
    kind: { type: 'text', pattern: NAME, allowed: NAME_ALLOWED },
    default: undefined,
    defaultFormula: "the machine's host name",
    meaning: 'The name of this node, unique in its ring and for ever that of its data directory.',
  },
  {
    name: 'cluster',
    path: 'cluster',
    kind: { type: 'text', pattern: NAME, allowed: NAME_ALLOWED },
    default: 'kvring',
    meaning: 'The name of the ring; nodes of other names are ignored.',
  },
  {
    name: 'secretFile',
    path: 'secretFile',
    kind: { type: 'text', pattern: /^[^\0]{0,4096}$/, allowed: 'the path of a file' },
    default: '',
    meaning:
      'A file whose content, of at least 8 bytes, is the secret that all nodes of the ring share. The environment ' +
      'variable KV_CLUSTER_SECRET can hold the secret itself. Without a secret the node runs alone, on loopback.',
  },
  {
    name: 'data',
    path: 'data',
    kind: { type: 'text', pattern: /^[^\0]{1,4096}$/, allowed: 'the path of a directory' },
    default: undefined,
    defaultFormula: 'nodes/{id} in KV_HOME, which is ~/.kvring',
    meaning: 'The directory that holds everything the node must remember. It is made if it does not exist.',
  },
  {
    name: 'host',
    path: 'host',
    kind: { type: 'text', pattern: HOST, allowed: 'a host name or address' },
    default: '127.0.0.1',
    meaning: 'The address on which all ports listen; another than loopback needs a cluster secret.',
  },
  {
    name: 'httpPort',
    path: 'httpPort',
    kind: port,
    default: 7071,
    meaning: 'The port of the HTTP API; 0 takes a free one.',
  },
  {
    name: 'peerPort',
    path: 'peerPort',
    kind: port,
    default: 7271,
    meaning: 'The port on which peers connect; 0 takes a free one.',
  },
  {
    name: 'advertiseHost',
    path: 'advertiseHost',
    kind: { type: 'text', pattern: HOST, allowed: 'a host name or address' },
    default: undefined,
    defaultFormula: 'host, or the first address of a network card where host is 0.0.0.0 or ::',
    meaning: 'The address under which peers and clients reach this node.',
  },
  {
    name: 'allowedHosts',
    path: 'allowedHosts',
    kind: { type: 'list', pattern: HOST, allowed: 'host names' },
    default: [],
    meaning:
      'Names, besides those of loopback and advertiseHost, that the Host header of a request may have where the ' +
      'node listens on loopback. It keeps web pages from reaching the node through a name of their own.',
  },
  {
    name: 'discoveryPort',
    path: 'discovery.port',
    kind: port,
    default: 7171,
    meaning: 'The UDP port on which all nodes of a network send and hear beacons; 0 turns beacons off.',
  },
  {
    name: 'discoveryBroadcast',
    path: 'discovery.broadcast',
    kind: { type: 'text', pattern: IPV4_OR_NONE, allowed: 'an IPv4 address, or empty' },
    default: undefined,
    defaultFormula: '127.255.255.255 where host is on loopback, otherwise 255.255.255.255',
    meaning: 'The address beacons are broadcast to; empty for none.',
  },
  {
    name: 'discoveryMulticast',
    path: 'discovery.multicast',
    kind: { type: 'text', pattern: IPV4_OR_NONE, allowed: 'an IPv4 multicast address, or empty' },
    default: '',
    meaning: 'A multicast group to send beacons to and to hear them from, such as 239.255.71.71.',
  },
  {
    name: 'discoverySeeds',
    path: 'discovery.seeds',
    kind: { type: 'list', pattern: HOST_PORT, allowed: 'HOST:PORT, the discovery port of another node' },
    default: [],
    meaning: 'Where beacons are also sent to one by one, for networks without broadcast.',
  },
  {
    name: 'zone',
    path: 'zone',
    kind: { type: 'text', pattern: NAME, allowed: NAME_ALLOWED },
    default: 'default',
    meaning:
      'What fails together with this node: the owners of a key are in distinct zones where there are enough.',
  },
  {
    name: 'weight',
    path: 'weight',
    kind: { type: 'integer', min: 1, max: 100 },
    default: 1,
    meaning: 'The share of keys relative to the other nodes.',
  },
  {
    name: 'bootstrapExpect',
    path: 'bootstrapExpect',
    kind: { type: 'integer', min: 0, max: 1000 },
    default: undefined,
    defaultFormula: '0 with a cluster secret, 1 without',
    meaning: 'How many nodes must have found each other before they found a new ring; 0 never founds one.',
  },
  {
    name: 'n',
    path: 'n',
    kind: { type: 'integer', min: 1, max: 16 },
    default: undefined,
    defaultFormula: 'min(3, bootstrapExpect), or 3 where that is 0',
    meaning: 'Owners of each key, in the ring that this node helps to found.',
  },
  {
    name: 'r',
    path: 'r',
    kind: { type: 'integer', min: 1, max: 16 },
    default: undefined,
    defaultFormula: 'floor(n / 2) + 1',
    meaning: 'Owners that must answer a read that names no r, in the ring that this node helps to found.',
  },
  {
    name: 'w',
    path: 'w',
    kind: { type: 'integer', min: 1, max: 16 },
    default: undefined,
    defaultFormula: 'floor(n / 2) + 1',
    meaning: 'Durable holders of a write that names no w, in the ring that this node helps to found.',
  },
  {
    name: 'conflicts',
    path: 'conflicts',
    kind: { type: 'choice', choices: ['lww', 'siblings'] },
    default: 'lww',
    meaning:
      'Of concurrent writes the last one wins (lww), or all are kept for the reader to merge (siblings).',
  },
  {
    name: 'durability',
    path: 'durability',
    kind: { type: 'choice', choices: ['sync', 'async'] },
    default: 'sync',
    meaning:
      'sync: a write is acknowledged after fsync. async: before it, so that a power cut may lose the last ' +
      'acknowledged writes of a node.',
  },
  {
    name: 'minFreeBytes',
    path: 'minFreeBytes',
    kind: { type: 'integer', min: 0, max: 1024 * 1024 * MIB },
    default: 64 * MIB,
    unit: 'bytes',
    meaning:
      'Room on the disk below which the node takes no more writes, but deletions; 0 waits until it is full.',
  },
  {
    name: 'maxSkewMs',
    path: 'maxSkewMs',
    kind: { type: 'integer', min: 100, max: 86_400_000 },
    default: 60_000,
    unit: 'ms',
    meaning: 'How far the clock of a peer may be ahead before its stamps are refused.',
  },
  {
    name: 'maxValueBytes',
    path: 'maxValueBytes',
    kind: { type: 'integer', min: 1, max: 16 * MIB },
    default: MIB,
    unit: 'bytes',
    meaning: 'The largest value that is accepted.',
  },
  {
    name: 'requestTimeoutMs',
    path: 'requestTimeoutMs',
    kind: { type: 'integer', min: 50, max: 60_000 },
    default: 5000,
    unit: 'ms',
    meaning: 'The deadline of a request that names none.',
  },
  {
    name: 'recordCacheBytes',
    path: 'recordCacheBytes',
    kind: { type: 'integer', min: 0, max: 64 * 1024 * MIB },
    default: 64 * MIB,
    unit: 'bytes',
    meaning: 'Memory for records that were read or written lately.',
  },
  ...HINT_SETTINGS,
  ...REPAIR_SETTINGS,
  {
    name: 'maxHttpConnections',
    path: 'limits.httpConnections',
    kind: { type: 'integer', min: 1, max: 100_000 },
    default: 2048,
    meaning: 'Open connections to the HTTP API; more are closed at once.',
  },
  {
    name: 'maxHeaderBytes',
    path: 'limits.headerBytes',
    kind: { type: 'integer', min: 8192, max: MIB },
    default: 32_768,
    unit: 'bytes',
    meaning: 'The request line and headers of an HTTP request, together.',
  },
  {
    name: 'chaos',
    path: 'chaos',
    kind: { type: 'switch' },
    default: false,
    meaning: 'Lets whoever reaches the HTTP API inject faults. Never in production.',
  },
  {
    name: 'logLevel',
    path: 'logLevel',
    kind: { type: 'choice', choices: ['debug', 'info', 'warn', 'error', 'silent'] },
    default: 'info',
    meaning: 'The least important events that are logged to stderr.',
  },
  {
    name: 'logFormat',
    path: 'logFormat',
    kind: { type: 'choice', choices: ['json', 'text'] },
    default: 'json',
    meaning: 'One JSON object a line, or one line of text for people.',
  },
]

/** The environment variable that holds the cluster's secret itself. */
export const SECRET_VARIABLE = 'KV_CLUSTER_SECRET'
export const MIN_SECRET_BYTES = 8
