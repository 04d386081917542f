export const SHELLS = ['bash', 'zsh', 'fish'] as const

export interface CompletedCommand {
  /** `ring status` as ['ring', 'status']. */
  readonly words: readonly string[]
  readonly summary: string
  readonly flags: readonly { readonly name: string; readonly summary: string }[]
}

/** What can follow a path of words: the next word of commands, or the flags of one. */
interface Completions {
  readonly words: Map<string, string>
  readonly flags: Map<string, string>
}

/** A script for the shell that completes the commands and their flags, and file names elsewhere. */
export function completionScript(
  shell: (typeof SHELLS)[number],
  bin: string,
  commands: readonly CompletedCommand[],
): string {
  const paths = completionsByPath(commands)
  if (shell === 'bash') return bashScript(bin, paths)
  if (shell === 'zsh') return zshScript(bin, paths)
  return fishScript(bin, commands)
}

function completionsByPath(commands: readonly CompletedCommand[]): Map<string, Completions> {
  const paths = new Map<string, Completions>()
  const at = (path: string): Completions => {
    const there = paths.get(path) ?? { words: new Map(), flags: new Map() }
    paths.set(path, there)
    return there
  }
  for (const { words, summary, flags } of commands) {
    for (let i = 0; i < words.length; i++) {
      const last = i === words.length - 1
      at(words.slice(0, i).join(' ')).words.set(words[i] as string, last ? summary : `${words[i]} …`)
    }
    for (const flag of flags) at(words.join(' ')).flags.set(`--${flag.name}`, flag.summary)
  }
  return paths
}

function bashScript(bin: string, paths: Map<string, Completions>): string {
  const cases = [...paths].map(
    ([path, { words, flags }]) =>
      `    ${quote(path)}) words=${quote([...words.keys(), ...flags.keys()].join(' '))} ;;`,
  )
  return `# bash completion of ${bin}
_${bin}_complete() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path= words= word i
  for ((i = 1; i < COMP_CWORD && i <= 2; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in -*) break ;; esac
    case "\${path:+$path }$word" in
${pathPatterns(paths)}) path="\${path:+$path }$word" ;;
    *) break ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${bin}_complete ${bin}`
}

function zshScript(bin: string, paths: Map<string, Completions>): string {
  const cases = [...paths].map(([path, { words, flags }]) => {
    const described = [...words, ...flags].map(([word, summary]) =>
      quote(`${word.replaceAll(':', '\\:')}:${summary}`),
    )
    return `    ${quote(path)}) described=(${described.join(' ')}) ;;`
  })
  return `#compdef ${bin}
_${bin}() {
  local path= word i
  local -a described
  for ((i = 2; i < CURRENT && i <= 3; i++)); do
    word=\${words[i]}
    case "\${path:+$path }$word" in
${pathPatterns(paths)}) path="\${path:+$path }$word" ;;
    *) break ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  _describe ${bin} described
  _files
}
compdef _${bin} ${bin}`
}

function fishScript(bin: string, commands: readonly CompletedCommand[]): string {
  const lines = [`# fish completion of ${bin}`]
  const topics = new Set<string>()
  for (const { words, summary, flags } of commands) {
    const [first, second] = words as [string, string?]
    if (second === undefined || !topics.has(first)) {
      const text = second === undefined ? summary : `${first} …`
      lines.push(`complete -c ${bin} -n __fish_use_subcommand -a ${first} -d ${quote(text)}`)
    }
    topics.add(first)
    if (second !== undefined) {
      lines.push(
        `complete -c ${bin} -n ${quote(`__fish_seen_subcommand_from ${first}`)} -a ${second} -d ${quote(summary)}`,
      )
    }
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    for (const flag of flags)
      lines.push(`complete -c ${bin} -n ${quote(seen)} -l ${flag.name} -d ${quote(flag.summary)}`)
  }
  return lines.join('\n')
}

function pathPatterns(paths: Map<string, Completions>): string {
  const named = [...paths.keys()].filter((path) => path !== '')
  return `    ${named.map((path) => quote(path)).join(' | ')}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
