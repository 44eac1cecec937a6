import { expect, test } from 'vitest'
import { readmeExamples } from './readme-examples.ts'

test('each block is an example; what it prints may follow; one that is not run says why', () => {
  const markdown = `# x

\`\`\`sh
npm i x
\`\`\`

\`\`\`ts
console.log(1)
\`\`\`

\`\`\`text
1
\`\`\`

<!-- not run: needs a VM -->

\`\`\`js
await boot()
\`\`\`

Text in between.

\`\`\`text
other
\`\`\`
`
  expect(readmeExamples(markdown)).toEqual([
    { language: 'ts', code: 'console.log(1)\n', output: '1\n' },
    { language: 'js', code: 'await boot()\n', notRun: 'needs a VM' },
  ])
  expect(readmeExamples('no code')).toEqual([])
})
