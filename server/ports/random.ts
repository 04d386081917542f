/** A source of random numbers: cryptographic in production, seeded in simulation. */
export interface Random {
  /** Uniform in [0, 2^32). */
  u32(): number
  /** Uniform integer in [0, n), for n from 1 to 2^32. */
  below(n: number): number
  bytes(count: number): Buffer
}
