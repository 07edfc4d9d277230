/** What may be wrong with a text that a server wrote for a model. */
export type Suspicion =
  | 'invisible characters'
  | 'instructions to a model'
  | 'path of secrets'
  | 'very long text'
  | `tool of ${string}`

export interface Neighbour {
  readonly server: string
  /** Its own bare names. */
  readonly tools: readonly string[]
}

/** In characters: nobody reads more of a description. */
const LONG = 2_000

/** Zero-width, direction, tag and control characters, and letters that are drawn as nothing. */
const INVISIBLE = /(?!\t|\n|\r|\ufe0f)(?:\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point})/gu

/** Within an emoji some of them are what it is made of: families, and flags of regions. */
const EMOJI =
  /\p{Extended_Pictographic}\ufe0f?(?:\p{Emoji_Modifier}|[\u{e0020}-\u{e007e}]+\u{e007f}|\u200d\p{Extended_Pictographic}\ufe0f?)*/gu

/** Words that are for a model and not about a tool. All of them look at a bounded stretch: texts may be long. */
const PERSUASION = [
  /\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|preceding|other|all|any)\b.{0,40}\b(?:instruction|prompt|rule|message|direction|tool)s?\b/is,
  /\b(?:do not|don't|never|without)\b.{0,20}\b(?:tell|mention|inform|reveal|show|telling|mentioning|informing)\b.{0,30}\buser\b/is,
  /<\/?(?:important|system|secret|instructions?|critical)>/i,
  /\b(?:system prompt|hidden instruction)/i,
  /\bbefore (?:using|calling|invoking) (?:this|any|the)\b.{0,40}\b(?:tool|function)s?\b.{0,80}\b(?:you must|read|call|send|pass)\b/is,
]

/** Where credentials usually are. */
const SECRET_PATH =
  /~\/\.\w|\.ssh\b|\bid_(?:rsa|ed25519|ecdsa)\b|\.aws\b|\.kube\b|\.gnupg\b|\.netrc\b|\.npmrc\b|\.git-credentials\b|\/etc\/(?:passwd|shadow)\b|(?:^|[\s"'`/])\.env\b|\bmcp\.json\b/i

/** Looks at every text of what is pinned of an item, names of parameters included. */
export function suspicionsOf(said: unknown, neighbours: readonly Neighbour[] = []): readonly Suspicion[] {
  const texts = [...textsIn(said)]
  const one = (check: (text: string) => boolean, suspicion: Suspicion) => (texts.some(check) ? [suspicion] : [])
  return [
    ...one((text) => invisibleIn(text).length > 0, 'invisible characters'),
    ...one((text) => PERSUASION.some((words) => words.test(text)), 'instructions to a model'),
    ...one((text) => SECRET_PATH.test(text), 'path of secrets'),
    ...one((text) => text.length > LONG, 'very long text'),
    ...neighbours.flatMap(({ server, tools }) => {
      const named = tools.filter(isTelling).some((tool) => texts.some((text) => mentions(text, tool)))
      return named ? [`tool of ${JSON.stringify(server)}` as const] : []
    }),
  ]
}

/** The text with what nobody would see spelt out, e.g. `\u{200b}`. */
export function spelt(text: string): string {
  return text.replace(INVISIBLE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
}

function invisibleIn(text: string): readonly string[] {
  return text.replace(EMOJI, '').match(INVISIBLE) ?? []
}

/** A name that is no word of a language: `search` may be meant as such, `search_nodes` is not. */
function isTelling(tool: string): boolean {
  return tool.length >= 5 && /[_\d-]|[a-z][A-Z]/.test(tool)
}

/** As a whole, or behind a prefix. */
function mentions(text: string, tool: string): boolean {
  for (let at = text.indexOf(tool); at !== -1; at = text.indexOf(tool, at + 1))
    if (!/[\p{L}\d]/u.test(text.charAt(at - 1)) && !/[\p{L}\d_-]/u.test(text.charAt(at + tool.length))) return true
  return false
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    if (!Array.isArray(value)) yield name
    yield* textsIn(member)
  }
}
