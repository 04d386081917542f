/** What the comparisons with one peer have brought. */
export class PeerProgress {
  comparedAtMs = 0
  slotsDiffering = 0
  keysRepaired = 0
  bytesExchanged = 0
  /** Slots that were found different and are not mended yet. */
  outstanding: ReadonlySet<number> = new Set()
  /** Of the last comparison; '' where there was none. */
  error = ''
}
