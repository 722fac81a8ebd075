import { readFileSync } from 'node:fs'
import { Argument, type Command } from 'commander'
import { addCommand, withNothing } from '../command.ts'
import { plain, type Terminal } from '../terminal/index.ts'

const SCRIPTS = {
  bash: new URL('../completion/posthorn.bash', import.meta.url),
  zsh: new URL('../completion/posthorn.zsh', import.meta.url),
  fish: new URL('../completion/posthorn.fish', import.meta.url),
} as const

export function addCompletion(root: Command, terminal: Terminal): void {
  const completion = addCommand(
    root,
    'completion',
    'Write a script that makes a shell complete commands, flags and ids.',
    [
      ['source <(posthorn completion bash)', 'In ~/.bashrc, or in ~/.zshrc with zsh, after compinit.'],
      ['posthorn completion fish > ~/.config/fish/completions/posthorn.fish', 'For fish.'],
    ],
  ).addArgument(new Argument('<shell>', 'The shell.').choices(Object.keys(SCRIPTS)))
  withNothing(completion, terminal, async ({ out }, _options, shell: keyof typeof SCRIPTS) => {
    await out.raw(readFileSync(SCRIPTS[shell], 'utf8'))
  })

  // What the scripts call.
  root
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const [{ complete }, { lookUpWith }] = await Promise.all([
        import('../completion/complete.ts'),
        import('../completion/values.ts'),
      ])
      const found = await complete(root, words, lookUpWith(terminal))
      const candidates = found.kind === 'words' ? found.candidates : []
      const lines = candidates.map(({ value, description }) => `${plain(value)}\t${plain(description)}`)
      terminal.stdout.write([`:${found.kind}`, ...lines, ''].join('\n'))
      await terminal.exit(0)
    })
}
