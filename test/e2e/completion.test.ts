import { mkdirSync, writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { expect } from 'chai'
import { execa } from 'execa'
import { KvUser } from './kv-user.ts'
import { hasPeer } from './peer.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** What is typed, some of what is offered then, and some of what is not. */
const CASES: readonly { line: string; offers: readonly string[]; not: readonly string[] }[] = [
  { line: 'kv ', offers: ['get', 'ring', 'chaos'], not: ['status', '--json', 'a file'] },
  { line: 'kv ring ', offers: ['locate', 'status'], not: ['get', 'ring', 'a file'] },
  { line: 'kv chaos pa', offers: ['partition', 'pause'], not: ['kill'] },
  { line: 'kv ring status --', offers: ['--watch', '--json'], not: ['locate', '--r'] },
  // A key may be called like a command.
  { line: 'kv get status --', offers: ['--siblings', '--r'], not: ['--watch'] },
  { line: 'kv set --t', offers: ['--ttl', '--timeout'], not: ['--w'] },
]

/** The word after the last space is the one that is completed; the words before it are complete. */
const split = (line: string): string[] => line.split(' ')

/** Prints what the shell offers for a line, one a line. */
const OFFERS: Record<(typeof SHELLS)[number], (line: string) => string> = {
  bash: (line) => `source ./completion
COMP_WORDS=(${split(line)
    .map((word) => `'${word}'`)
    .join(' ')}); COMP_CWORD=${split(line).length - 1}
_kv_complete; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // A shell in a shell, with a terminal of its own: only there zsh completes. Ctrl-D lists what is offered. What is
  // typed before the line editor is ready would be lost, so the editor itself says when it is; and not in the same
  // letters as the command that tells it to, which the terminal shows as well.
  zsh: (line) => `zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell "stty -echo cols 200 rows 200; PS1=; setopt no_always_last_prompt; fpath=(./functions \\$fpath)
LINES=200; LISTMAX=1000; autoload -Uz compinit; compinit -u -D; zle -N listed; listed() { print; print END-OF-LIST; zle kill-buffer }
bindkey '^G' listed; bindkey '^D' list-choices; zle-line-init() { print SHELL-IS-''READY }; zle -N zle-line-init"
zpty -r shell text '*SHELL-IS-READY*'
zpty -n -w shell ${JSON.stringify(line)}$'\\x04'$'\\x07'
zpty -r shell text '*END-OF-LIST*'
print -r -- "$text"
zpty -d shell`,
  fish: (line) => `source ./completion; complete -C ${JSON.stringify(line)}`,
}

describe('completion', function () {
  this.timeout(60_000)

  for (const shell of SHELLS.filter(hasPeer)) {
    describe(`in ${shell}`, () => {
      const user = new KvUser()

      before(async () => {
        const { out } = await user.kv(['completion', shell])
        writeFileSync(user.file('completion'), out)
        mkdirSync(user.file('functions'))
        writeFileSync(user.file('functions/_kv'), out)
        writeFileSync(user.file('a file'), '')
      })

      after(() => user.dispose())

      for (const { line, offers, not } of CASES) {
        it(`offers ${offers.join(', ')} after "${line}"`, async () => {
          const flags = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell]
          const { stdout } = await execa(shell, [...flags, '-c', OFFERS[shell](line)], {
            cwd: user.directory,
            env: { HOME: user.directory, TERM: 'xterm' },
            timeout: 20_000,
          })
          const offered = stripVTControlCharacters(stdout)
            .split(/[\r\n]+/)
            .map((text) => text.split(/\t| {2,}| -- /)[0]?.trim())
          expect(offered).to.include.members([...offers])
          for (const word of not) expect(offered, word).to.not.include(word)
        })
      }
    })
  }
})
