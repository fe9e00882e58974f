// What came out, as a table.

const RESULTS = ['PASSED', 'WARNING', 'FAILED', 'SKIPPED', 'REVIEW']
const TITLES = ['plan and variant', 'modules', 'passed', 'warnings', 'failed', 'skipped', 'review']

export const count = (row, result) => row.results.filter((outcome) => outcome.result === result).length

/** The rows in Markdown, and below them each module that did not pass. */
export function table(rows) {
  const cells = rows.map((row) => [row.name, row.results.length, ...RESULTS.map((result) => count(row, result))])
  if (rows.length > 1) {
    const sums = cells[0].slice(1).map((_, column) => cells.reduce((sum, line) => sum + line[column + 1], 0))
    cells.push([`${rows.length} variants`, ...sums])
  }
  const line = (columns) => `| ${columns.join(' | ')} |`
  const rest = rows.flatMap((row) => row.results.filter(({ result }) => result !== 'PASSED').map((outcome) => told(row, outcome)))
  return [line(TITLES), line(TITLES.map(() => '---')), ...cells.map(line), ...(rest.length > 0 ? ['', ...rest] : [])].join('\n')
}

const told = (row, { testModule, result, reasons }) => [`* ${row.name}: ${testModule}: ${result}`, ...reasons.map((reason) => `  * ${reason}`)].join('\n')

/** docs/conformance.md. */
export const document = (rows, { suite, commit, cpu, date, minutes }) => `# Conformance

What the OpenID Foundation's conformance suite ${suite.version} (commit ${suite.revision}) says of counterfoil-server at commit ${commit}, on ${date}
(${minutes.toFixed(0)} minutes; ${cpu}). Written by \`cargo xtask conformance\`; not a certification. "review" is a module that ends with a page
which a person has to look at.

${table(rows)}
`
