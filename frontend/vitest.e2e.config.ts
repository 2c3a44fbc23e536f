import { defineConfig } from 'vitest/config';

/** Tests that drive the built interface in a real browser against the real program. */
export default defineConfig({
  test: { include: ['tests/e2e/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 },
});
