/** The part of release-it that plugin.ts uses; the package's own types don't include it. */
declare module 'release-it' {
  export class Plugin {
    readonly config: { readonly isDryRun: boolean; getContext(): Readonly<Record<string, unknown>> }
    readonly log: { exec(command: string, options: { isDryRun: boolean }): void; log(line: string): void }
    exec(command: string): Promise<string | undefined>
  }
}
