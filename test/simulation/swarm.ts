import type { ConflictPolicy } from '../../server/causality/record.ts'
import type { Prng } from './prng.ts'

/** Every kind of fault that the nemesis knows. */
export const FAULT_KINDS = [
  'loss',
  'delay',
  'reorder',
  'duplicate',
  'partition',
  'one-way',
  'isolate',
  'swizzle',
  'reset',
  'reply-loss',
  'type-loss',
  'kill',
  'power',
  'blackout',
  'stop',
  'pause',
  'flap',
  'stutter',
  'clock',
  'far-clock',
  'drift',
  'slow-disk',
  'disk-error',
  'disk-full',
  'half-heal',
] as const

/** What a disk does to records without a word. Only in some seeds, in which no other copy is lost with a disk. */
export const DAMAGE_KINDS = ['bit-flip', 'misdirected', 'torn-write'] as const

export type FaultKind = (typeof FAULT_KINDS)[number] | (typeof DAMAGE_KINDS)[number]

/**
 * What one seed varies (Groce et al., "Swarm Testing", 2012): a seed that leaves some faults out reaches states
 * that a mixture of all of them never does.
 */
export interface Swarm {
  readonly conflicts: ConflictPolicy
  readonly zones: number
  readonly keys: number
  readonly clients: number
  /** Mean time between two operations of one client, milliseconds. */
  readonly thinkMs: number
  /** Draw r and w from 1 to N, and strict writes, instead of the ring's own. */
  readonly mixedQuorums: boolean
  readonly ttl: boolean
  readonly deletes: number
  readonly reads: number
  /** Of writes that send the context of an earlier read. */
  readonly contexts: number
  readonly faults: readonly FaultKind[]
  /** Mean time between two faults, and mean length of one, milliseconds. */
  readonly faultEveryMs: number
  readonly faultForMs: number
  /** Nodes that may be down or paused at a time, but for a blackout. */
  readonly maxDown: number
  /** The wall clocks differ by up to this, milliseconds. */
  readonly skewMs: number
  /** By how much a clock may be ahead of the others and still be trusted, milliseconds. */
  readonly maxSkewMs: number
  readonly driftPpm: number
  /** For how long faults strike, milliseconds. */
  readonly faultsForMs: number
  /** The only faults that strike, by their numbers; undefined is all. */
  readonly strikes?: readonly number[] | undefined
  /**
   * One disk, once, comes back empty or as it was before, or gives way to a copy of it for a while. Or several others
   * come back empty before it comes back as it was, each when the ring is whole again.
   */
  readonly lostDisk: 'never' | 'wiped' | 'restored' | 'copied' | 'renewed'
  /** How much older than a disk the snapshot is, at most, that it is put back to, milliseconds. */
  readonly snapshotAgeMs: number
  /** Faults strike while the ring is founded, too. */
  readonly stormyFounding: boolean
  /** Right before all is healed, every node loses power at once. */
  readonly finale: boolean
  /** Mean time of a commit on a healthy disk, microseconds. */
  readonly commitMicros: number
  /** Room for hints; 0 leaves it to read repair and anti-entropy to bring owners up to date that missed a write. */
  readonly hintBytes: number
  /** Between two comparisons of a node with its peers, milliseconds; 0 is never, not even in the end. */
  readonly repairEveryMs: number
  /** Between two scrubs, milliseconds; 0 is never. */
  readonly scrubEveryMs: number
  /** When tombstones may be collected, milliseconds; 0 is never. */
  readonly tombstoneMinAgeMs: number
  /** When hints are given up, milliseconds: seldom within a run, or often. */
  readonly maxHintAgeMs: number
  /** Clients work on a third of the keys at a time, move on after this long and come back, milliseconds; 0 is on all. */
  readonly moveEveryMs: number
  /** After a few seconds in which faults begin none does for so long, milliseconds; 0 is that they never cease. */
  readonly calmForMs: number
  /** One node is taken out of the ring after it has died, has to come back with its disk, or was only cut off. */
  readonly removal: 'never' | 'dead' | 'returning' | 'cut-off'
  /** Between two changes of the conflict policy, milliseconds; 0 is never. */
  readonly policyEveryMs: number
  /** Two keys to a slot, which share its floor, not one. */
  readonly sharedSlots: boolean
}

/** What ends a process: nothing that members promised outlives that. */
const ENDINGS: readonly FaultKind[] = ['kill', 'power', 'blackout', 'stop', 'flap', 'disk-error', 'disk-full']

export const ROOM_FOR_ALL_HINTS = 64 << 20

/** The ring under test: what a user gets. */
export const RING = { nodes: 5, n: 3, r: 2, w: 2 } as const

export function drawSwarm(prng: Prng): Swarm {
  const swarm = drawLife(prng)
  const burials = prng.fork('burials')
  const buried = burials.chance(0.3) ? withBurials(swarm, burials) : swarm
  const switched = withSwitches(withRemoval(buried, prng.fork('removal')), prng.fork('policy'))
  const trusting = withTrust(atBounds(switched, prng.fork('bounds')), prng.fork('clocks'))
  return withRenewal(trusting, prng.fork('renewal'))
}

/** The disks that know what has been collected are gone when the one comes back that holds it. */
function withRenewal(swarm: Swarm, prng: Prng): Swarm {
  const { lostDisk, tombstoneMinAgeMs, moveEveryMs } = swarm
  if (lostDisk !== 'restored' || tombstoneMinAgeMs * moveEveryMs === 0 || !prng.chance(0.6)) return swarm
  return {
    ...swarm,
    lostDisk: 'renewed',
    snapshotAgeMs: 50_000,
    // What was deleted is collected, and not asked for again, before they are gone.
    deletes: 0.5,
    moveEveryMs: 20_000,
    tombstoneMinAgeMs: 11_000,
    // There has to be time for the ring to become whole, once for each disk.
    faults: swarm.faults.filter((kind) => !ENDINGS.includes(kind)),
    faultEveryMs: 4_000,
    faultForMs: Math.min(swarm.faultForMs, 500),
    calmForMs: 15_000,
    repairEveryMs: 3_000,
    commitMicros: 300,
    // A hint that is given up leaves one copy: its disk must not be the next.
    hintBytes: ROOM_FOR_ALL_HINTS,
    maxHintAgeMs: 86_400_000,
  }
}

/** Clocks that are minutes apart, in a ring that is told to live with it. Tombstones would have to grow as old. */
function withTrust(swarm: Swarm, prng: Prng): Swarm {
  if (!prng.chance(0.06)) return swarm
  const faults = swarm.faults.filter((kind) => kind !== 'far-clock')
  return { ...swarm, faults, skewMs: 300_000, maxSkewMs: 900_000, tombstoneMinAgeMs: 0 }
}

/** What is bounded comes to its bound: hints for which there is no room, and values that nobody resolves. */
function atBounds(swarm: Swarm, prng: Prng): Swarm {
  const cramped = swarm.hintBytes > 0 && swarm.repairEveryMs > 0 && prng.chance(0.3)
  const roomy = cramped ? { ...swarm, hintBytes: prng.pick([500, 2_000, 10_000]) } : swarm
  const hoards = roomy.conflicts === 'siblings' && roomy.policyEveryMs === 0 && prng.chance(0.08)
  return hoards ? { ...roomy, contexts: 0.02, deletes: 0, keys: 1, thinkMs: 150 } : roomy
}

/** Siblings that nobody resolves would grow without bound while it is that one's turn. */
function withSwitches(swarm: Swarm, prng: Prng): Swarm {
  if (!prng.chance(0.15)) return swarm
  return { ...swarm, policyEveryMs: prng.pick([1_000, 3_000, 10_000]), contexts: prng.pick([0.6, 0.9]) }
}

/** Its disk is lost to the ring, so that no other may be. */
function withRemoval(swarm: Swarm, prng: Prng): Swarm {
  const damaged = DAMAGE_KINDS.some((kind) => swarm.faults.includes(kind))
  if (damaged || swarm.lostDisk !== 'never' || !prng.chance(0.3)) return swarm
  return {
    ...swarm,
    removal: prng.pick(['dead', 'returning', 'cut-off']),
    mixedQuorums: true,
    maxDown: Math.min(2, swarm.maxDown),
  }
}

function drawLife(prng: Prng): Swarm {
  const conflicts = prng.chance(0.6) ? 'lww' : 'siblings'
  const faults: FaultKind[] = FAULT_KINDS.filter(() => prng.chance(0.3))
  const damages = drawDamages(prng.fork('damage'))
  const damaged = damages.length > 0
  const repair = prng.fork('repair')
  const repairEveryMs = !damaged && repair.chance(0.7) ? 0 : repair.pick([3_000, 10_000])
  return {
    conflicts,
    zones: prng.pick([1, 3, 5]),
    keys: prng.pick([1, 3, 6, 12]),
    clients: prng.between(2, 6),
    thinkMs: prng.pick([150, 300, 600]),
    mixedQuorums: prng.chance(0.5),
    ttl: prng.chance(0.15),
    deletes: prng.pick([0, 0.1, 0.3]),
    reads: prng.pick([0.2, 0.5]),
    // Siblings that nobody resolves would grow without bound.
    contexts: prng.pick(conflicts === 'lww' ? [0, 0.5, 0.9] : [0.6, 0.9]),
    faults: [...faults, ...damages],
    faultsForMs: 60_000,
    faultEveryMs: prng.pick([500, 1500, 4000]),
    faultForMs: prng.pick([300, 1500, 6000]),
    maxDown: prng.pick([1, 2, 2, 3]),
    skewMs: prng.pick([0, 50, 2_000, 20_000]),
    maxSkewMs: 60_000,
    driftPpm: prng.pick([0, 50, 5_000]),
    lostDisk: prng.pick(damaged ? ['never'] : ['never', 'never', 'never', 'wiped', 'restored', 'copied']),
    snapshotAgeMs: 10_000,
    stormyFounding: prng.fork('founding').chance(0.15),
    finale: prng.chance(0.5),
    commitMicros: prng.pick([300, 2_000, 10_000]),
    // Mostly without: nothing hides then what other parts lose.
    repairEveryMs,
    hintBytes: repairEveryMs === 0 || prng.chance(0.7) ? ROOM_FOR_ALL_HINTS : 0,
    scrubEveryMs: prng.pick([0, 8_000]),
    // Where a node misses a collection only anti-entropy tells it. Longer than the clients go on trying. A disk that
    // does not say that it has lost a tombstone may give back what was deleted.
    tombstoneMinAgeMs:
      repairEveryMs === 0 || damages.includes('misdirected') ? 0 : repair.pick([0, 15_000, 15_000]),
    maxHintAgeMs: prng.pick([86_400_000, 86_400_000, 2_000]),
    moveEveryMs: 0,
    calmForMs: 0,
    removal: 'never',
    policyEveryMs: 0,
    sharedSlots: false,
  }
}

/**
 * A life in which tombstones go while clients and faults are at work: keys rest for longer than tombstones have to
 * last and are written again afterwards, also by who has read them before, and processes run for long enough.
 */
function withBurials(swarm: Swarm, prng: Prng): Swarm {
  if (swarm.faults.includes('misdirected')) return swarm
  const lasting = prng.chance(0.6)
  const damaged = DAMAGE_KINDS.some((kind) => swarm.faults.includes(kind))
  return {
    ...swarm,
    keys: prng.pick([6, 12]),
    // Old enough to have what was deleted since, and collected.
    lostDisk: swarm.lostDisk === 'never' && !damaged && prng.chance(0.5) ? 'restored' : swarm.lostDisk,
    snapshotAgeMs: 35_000,
    deletes: prng.pick([0.3, 0.5]),
    ttl: swarm.ttl || prng.chance(0.4),
    faults: lasting ? swarm.faults.filter((kind) => !ENDINGS.includes(kind)) : swarm.faults,
    calmForMs: lasting ? 0 : prng.pick([15_000, 20_000]),
    faultForMs: Math.min(swarm.faultForMs, 1_500),
    repairEveryMs: swarm.repairEveryMs === 0 ? prng.pick([3_000, 10_000]) : swarm.repairEveryMs,
    tombstoneMinAgeMs: prng.pick([11_000, 15_000]),
    moveEveryMs: prng.pick([10_000, 15_000]),
    sharedSlots: prng.chance(0.5),
  }
}

function drawDamages(prng: Prng): FaultKind[] {
  return prng.chance(0.2) ? DAMAGE_KINDS.filter(() => prng.chance(0.7)) : []
}
