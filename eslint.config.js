import tseslint from 'typescript-eslint'

/** What reads the world directly. The core takes it from its ports, so that a simulation can be repeated. */
const worldGlobals = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'performance',
  'Intl',
].map((name) => ({ name, message: 'Take it from a port (clock, random), or compare bytes.' }))

const worldProperties = [
  ['Date', 'now', 'Use Clock.wallMs().'],
  ['Math', 'random', 'Use Random.'],
  ['process', 'hrtime', 'Use Clock.monotonicMs().'],
  ['process', 'nextTick', 'Use Clock.after().'],
  ['process', 'env', 'Settings come in through the constructor.'],
  ['AbortSignal', 'timeout', 'Use Clock.after().'],
  ['crypto', 'randomBytes', 'Use Random.'],
  ['crypto', 'randomInt', 'Use Random.'],
  ['crypto', 'randomUUID', 'Use Random.'],
  ['crypto', 'getRandomValues', 'Use Random.'],
].map(([object, property, message]) => ({ object, property, message }))

const randomFunctions = [
  'randomBytes',
  'randomInt',
  'randomUUID',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
  'webcrypto',
]

const worldImports = {
  paths: [
    ...['timers', 'node:timers', 'timers/promises', 'node:timers/promises'].map((name) => ({
      name,
      message: 'Use Clock.after().',
    })),
    ...['perf_hooks', 'node:perf_hooks'].map((name) => ({ name, message: 'Use Clock.monotonicMs().' })),
    ...['crypto', 'node:crypto'].map((name) => ({
      name,
      importNames: randomFunctions,
      message: 'Use Random.',
    })),
  ],
}

const worldSyntax = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Use Clock.wallMs().' },
  { selector: "CallExpression[callee.name='Date']", message: 'Use Clock.wallMs().' },
  {
    selector: 'MemberExpression[property.name=/^(localeCompare|toLocale\\w*)$/]',
    message: 'The order of a locale is not byte order, and differs between machines.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^(sort|toSorted)$/][arguments.length=0]',
    message: 'The default order is by UTF-16 units: pass a comparison.',
  },
]

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: false }],
    },
  },
  {
    files: ['cli/**/*.ts'],
    rules: { '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }] },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/require-array-sort-compare': 'off' } },
  {
    files: ['server/**/*.ts', 'shared/**/*.ts'],
    ignores: ['server/adapters/**', 'server/main.ts', 'server/web/**', 'shared/client/**'],
    rules: {
      'no-restricted-globals': ['error', ...worldGlobals],
      'no-restricted-properties': ['error', ...worldProperties],
      'no-restricted-imports': ['error', worldImports],
      'no-restricted-syntax': ['error', ...worldSyntax],
    },
  },
)
