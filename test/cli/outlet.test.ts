import { execFileSync } from 'node:child_process'
import { closeSync, constants, createReadStream, openSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { WriteStream } from 'node:tty'
import { expect, test } from 'vitest'
import { Outlet } from '../../cli/outlet.ts'
import { tempFolder } from '../helpers/temp.ts'

const never = () => {
  throw new Error('no stream is needed')
}

test('what goes to a file is there at once, without a stream', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'out')
  const fd = openSync(path, 'w')
  const outlet = new Outlet({ fd, open: never, lost: never })
  outlet.write('one, ')
  outlet.write(Buffer.from('two'))
  expect(readFileSync(path, 'utf8')).toBe('one, two')
  expect(outlet.isTTY).toBeUndefined()
  await new Promise<void>((done) => outlet.flush(done))
  closeSync(fd)
})

test('a pipe that is full is waited for by a stream, and nothing is lost or out of order', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'pipe')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  // A stand-in for the process's own stream, of which a test has but one.
  const open = () => new Socket({ fd, readable: false }) as unknown as WriteStream
  const outlet = new Outlet({ fd, open, lost: never })
  const texts = Array.from({ length: 40 }, (_, i) => `${i}:${'x'.repeat(9_000)}\n`)
  for (const text of texts) outlet.write(text)
  const whole = texts.join('')
  const reader = createReadStream(path)
  let read = ''
  for await (const chunk of reader) {
    read += chunk
    if (read.length === whole.length) break
  }
  expect(read).toBe(whole)
  await new Promise<void>((done) => outlet.flush(done))
})

test('a pipe that nobody reads any more is told of once, and what follows goes nowhere', async () => {
  await using folder = await tempFolder()
  const path = join(folder.path, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(path, constants.O_WRONLY)
  let told = 0
  const outlet = new Outlet({ fd, open: never, lost: () => told++ })
  closeSync(reader)
  outlet.write('a')
  outlet.write('b')
  expect(told).toBe(1)
  await new Promise<void>((done) => outlet.flush(done))
  closeSync(fd)
})
