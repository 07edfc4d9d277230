// Writes into docs/reliability.md which test proves which case of test/faults.json: one whose title begins with the id of
// the case, or with several. With --check nothing is written and drift fails. What no test proves needs a reason here.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const page = 'docs/reliability.md'
const chapters = {
  C: 'Configuration',
  U: 'Servers',
  D: 'Clients',
  P: 'Processes',
  R: 'Reload',
  L: 'Load',
}
const reasons = {
  'D-29': 'mcpctl does not log in at servers itself yet',
  'D-30': 'mcpctl does not log in at servers itself yet',
  'P-30': 'Windows is not supported yet',
}

const faults = JSON.parse(read('test/faults.json'))
const proofs = proofsIn(
  readdirSync(join(root, 'test'), { recursive: true }).filter((name) => name.endsWith('.test.ts')),
)
const wrong = mistakes()
for (const mistake of wrong) console.error(mistake)

const before = read(page)
const after = before.replace(/(?<=<!-- cases -->\n)[\s\S]*(?=<!-- end of cases -->)/, () => tables())
if (before !== after && process.argv.includes('--check')) wrong.push(`${page} is not what the tests say`)
else if (before !== after) writeFileSync(join(root, page), after)
if (wrong.length > 0) console.error(`${page}: npm run generate`)
process.exitCode = wrong.length > 0 ? 1 : 0

/** By id, where it is proven: `{file, title}`. */
function proofsIn(names) {
  const found = new Map()
  for (const name of names.sort()) {
    const text = read(join('test', name))
    // Any string that begins like a title is one, also in the table of a `test.each`; but for those of `describe`.
    for (const [, , ids, title] of text.matchAll(
      /(?<!describe\()(['"`])((?:[CUDPRL]-\d\d[ ,]*)+): ((?:\\.|(?!\1).)+)\1/g,
    ))
      for (const id of ids.match(/[A-Z]-\d\d/g))
        found.set(id, [...(found.get(id) ?? []), { file: `test/${name}`, title }])
  }
  return found
}

function mistakes() {
  const unknown = [...proofs.keys()].filter((id) => !(id in faults))
  return unknown.map((id) => `${id} of ${proofs.get(id)[0].file} is none of test/faults.json`)
}

function tables() {
  const ids = Object.keys(faults)
  const sum = `**${ids.filter(isProven).length} of ${ids.length}** cases are proven by tests.\n`
  return `\n${[sum, ...Object.entries(chapters).map(([letter, title]) => tableOf(letter, title))].join('\n')}\n`
}

function tableOf(letter, title) {
  const ids = Object.keys(faults).filter((id) => id.startsWith(letter))
  const count = `${ids.filter(isProven).length} of ${ids.length}`
  const rows = ids.map((id) => `| ${id} | ${faults[id]} | ${proofOf(id)} |`)
  return [`### ${title} (${count})`, '', '| | what happens | proven by |', '|---|---|---|', ...rows, ''].join('\n')
}

function isProven(id) {
  return proofs.has(id)
}

/** Each file once. */
function proofOf(id) {
  if (!isProven(id)) return `– ${reasons[id] ?? 'not proven yet'}`
  const files = new Set(proofs.get(id).map(({ file }) => file))
  return [...files]
    .map((file) => `[${file.replace(/^test\/|\.test\.ts$/g, '')}](../${file}): ${titlesIn(id, file)}`)
    .join('<br>')
}

/** The first title, and how many others there are. */
function titlesIn(id, file) {
  const [first, ...others] = proofs.get(id).filter((proof) => proof.file === file)
  const title = first.title.replaceAll('\\', '').replaceAll('|', '\\|').replaceAll('<', '&lt;')
  return others.length === 0 ? title : `${title} (and ${others.length} more)`
}

function read(path) {
  return readFileSync(join(root, path), 'utf8')
}
