import type { Trace } from '../../server/ports/trace.ts'

/** A trace that nobody reads. */
export const silentTrace: Trace = { enabled: () => false, event: () => undefined }
