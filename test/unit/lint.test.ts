import { expect } from 'chai'
import { ESLint } from 'eslint'
import { ROOT } from '../tidy/source-files.ts'

/** Rules that need types are not repeated by the tidy test: here they are seen to be on. */
describe('the lint configuration', () => {
  const rulesBroken = async (filePath: string, lines: readonly string[]): Promise<(string | null)[]> => {
    const [result] = await new ESLint({ cwd: ROOT }).lintText(lines.join('\n'), {
      filePath: `${ROOT}${filePath}`,
    })
    return (result?.messages ?? []).map(({ ruleId }) => ruleId)
  }

  it('reports promises that nobody waits for, and whatever reads the world, in the core', async () => {
    const broken = await rulesBroken('server/node.ts', [
      "import { setTimeout as sleep } from 'node:timers/promises'",
      "import { randomBytes } from 'node:crypto'",
      'async function work(kind: "a" | "b"): Promise<void> {',
      '  switch (kind) { case "a": return }',
      '}',
      'work("a")',
      'if (work("b")) await 5',
      'setTimeout(() => undefined, Date.now())',
      'const order = ["b", "a"].sort()',
      'const today = new Date()',
      'export { sleep, randomBytes, order, today }',
    ])
    expect(broken).to.include.members([
      '@typescript-eslint/no-floating-promises',
      '@typescript-eslint/no-misused-promises',
      '@typescript-eslint/await-thenable',
      '@typescript-eslint/switch-exhaustiveness-check',
      '@typescript-eslint/require-array-sort-compare',
      'no-restricted-globals',
      'no-restricted-imports',
      'no-restricted-properties',
      'no-restricted-syntax',
    ])
    expect(broken.filter((rule) => rule === 'no-restricted-imports')).to.have.length(2)
  })

  it('leaves the adapters the world, but no floating promise', async () => {
    const broken = await rulesBroken('server/adapters/system-clock.ts', [
      'setTimeout(() => undefined, Date.now())',
      'Promise.resolve(5)',
    ])
    expect(broken).to.deep.equal(['@typescript-eslint/no-floating-promises'])
  })
})
