import { expect } from 'chai'
import { renderSiblings } from '../../../cli/render/siblings.ts'
import type { SiblingResult } from '../../../shared/api.ts'

const sibling = (value: string, more: Partial<SiblingResult> = {}): SiblingResult => ({
  value,
  encoding: 'utf8',
  version: 'n1.a.0:2',
  node: 'n1',
  time: '2026-01-31T12:00:00.123Z',
  ...more,
})

describe('the table of kv siblings show', () => {
  it('shows the beginning of each value, and nothing that a terminal would act on', () => {
    const bytes = sibling('/w==', { encoding: 'base64', version: 'n2.b.0:1', node: 'n2' })
    const text = renderSiblings([sibling(`say "hi"\n\u001b[31m\u009b${'x'.repeat(50)}`), bytes])
    expect(text.split('\n')).to.deep.equal([
      'VERSION   WRITTEN BY  TIME                      SIZE  VALUE',
      'n1.a.0:2  n1          2026-01-31 12:00:00.123Z  66 B  say "hi"\\n\\u001b[31m?xxxxxxxxxxxxxxxxxxx...',
      'n2.b.0:1  n2          2026-01-31 12:00:00.123Z   1 B  (base64) /w==',
    ])
  })

  it('tells how long a value has left where one expires', () => {
    const lines = renderSiblings([sibling('a', { ttlMs: 60_000 }), sibling('b')]).split('\n')
    expect(lines[0]).to.match(/ EXPIRES IN +VALUE$/)
    expect(lines[1]).to.match(/ 1m00s +a$/)
    expect(lines[2]).to.match(/ - +b$/)
  })
})
