/** Prometheus's text format, version 0.0.4. */

export type Labels = readonly (readonly [name: string, value: string])[]

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface Sample {
  /** Behind the name of the metric, as `_bucket`. */
  readonly suffix?: string
  readonly labels: Labels
  readonly value: number
}

export function metricText(
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  samples: readonly Sample[],
): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  for (const { suffix = '', labels, value } of samples) {
    const inner = labels.map(([label, content]) => `${label}="${escapeLabel(content)}"`).join(',')
    text += `${name}${suffix}${inner === '' ? '' : `{${inner}}`} ${value}\n`
  }
  return text
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
