/** Code in pieces, for colours: comments, texts, numbers and words of the language. As much as a reader needs, no more. */

export type CodePiece = { readonly kind: 'comment' | 'text' | 'number' | 'word' | 'plain'; readonly text: string }

const C_COMMENT = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`
const TEXT = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`

const GRAMMARS = {
  javascript: [C_COMMENT, String.raw`${TEXT}|\x60(?:[^\x60\\]|\\.)*\x60|\/\^(?:\[[^\]\n]*\]|\\.|[^/\\\n])*\/[a-z]*`],
  python: [String.raw`#[^\n]*|"""[\s\S]*?"""`, `[rf]?(?:${TEXT})`],
  go: [C_COMMENT, String.raw`${TEXT}|\x60[^\x60]*\x60`],
  java: [C_COMMENT, TEXT],
  csharp: [C_COMMENT, String.raw`@"[^"]*"|\$?"(?:\{[^}\n]*\}|[^"\\\n{]|\\.)*"|'(?:[^'\\\n]|\\.)*'`],
  php: [String.raw`${C_COMMENT}|<\?php`, TEXT],
} as const

const WORDS: Readonly<Record<keyof typeof GRAMMARS, string>> = {
  javascript:
    'import|from|const|let|function|async|await|return|if|else|for|of|try|catch|finally|throw|new|typeof|null|undefined|true|false',
  python: 'import|from|def|class|return|if|not|and|or|for|in|is|with|as|try|except|finally|raise|None|True|False|self',
  go: 'package|import|const|var|func|return|if|else|for|range|go|defer|map|string|error|bool|byte|nil|true|false',
  java: 'import|public|static|final|class|void|return|if|else|for|try|catch|finally|throws|throw|new|int|long|boolean|byte|String|null|true|false',
  csharp:
    'using|const|var|static|async|await|return|if|foreach|in|try|catch|finally|when|throw|new|void|int|string|bool|byte|string|null|true|false|out',
  php: 'declare|const|function|return|if|else|foreach|as|try|catch|finally|throw|new|match|default|use|fn|string|bool|int|array|void|null|true|false',
}

export function piecesOf(code: string, language: keyof typeof GRAMMARS): CodePiece[] {
  const [comment, text] = GRAMMARS[language]
  const pattern = new RegExp(
    String.raw`(?<comment>${comment})|(?<text>${text})|(?<word>(?<![\w$.@])(?:${WORDS[language]})(?![\w$]))|(?<number>\b\d[\d_.]*\b)`,
    'g',
  )
  const pieces: CodePiece[] = []
  let end = 0
  for (const match of code.matchAll(pattern)) {
    if (match.index > end) pieces.push({ kind: 'plain', text: code.slice(end, match.index) })
    const kind = (['comment', 'text', 'word', 'number'] as const).find(name => match.groups?.[name] !== undefined)
    pieces.push({ kind: kind ?? 'plain', text: match[0] })
    end = match.index + match[0].length
  }
  if (end < code.length) pieces.push({ kind: 'plain', text: code.slice(end) })
  return pieces
}
