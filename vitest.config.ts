import { defineConfig } from 'vitest/config'

const soak = 'test/soak/**'
const timings = ['test/bench/smoke.test.ts', 'test/bench/gate.test.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    setupFiles: ['test/helpers/audit.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'behaviour',
          include: ['test/**/*.test.ts'],
          exclude: [...timings, soak],
          // Two workers: most tests start processes of their own, and more only makes them wait for each other.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'bench',
          include: timings,
          // What compares speeds has the machine to itself: after everything else, one file at a time.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      // What takes minutes: `npm run soak`.
      ...(process.env.SOAK
        ? [
            {
              extends: true as const,
              test: { name: 'soak', include: [`${soak}/*.test.ts`], maxWorkers: 1, sequence: { groupOrder: 2 } },
            },
          ]
        : []),
    ],
  },
})
