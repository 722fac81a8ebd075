/** Comments of the generated source. */
const WIDTH = 120

/** A doc comment of these paragraphs, wrapped. Empty if there is nothing to say. */
export function comment(paragraphs: readonly (string | undefined)[], indent: string): string {
  const said = paragraphs.filter(text => text !== undefined && text !== '').map(text => clean(text!))
  if (said.length === 0) return ''
  const line = `${indent}/** ${said[0]} */`
  if (said.length === 1 && line.length <= WIDTH) return `${line}\n`
  const lines = said.flatMap((text, index) => {
    const isTag = text.startsWith('@')
    const wrapped = wrap(text, WIDTH - indent.length - 3, isTag ? '  ' : '')
    const followsTag = index > 0 && isTag && said[index - 1]!.startsWith('@')
    return index === 0 || followsTag ? wrapped : ['', ...wrapped]
  })
  return `${indent}/**\n${lines.map(text => `${indent} *${text === '' ? '' : ` ${text}`}\n`).join('')}${indent} */\n`
}

const clean = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll('*/', '*\\/').trim()

function wrap(text: string, width: number, hanging: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = hanging + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
