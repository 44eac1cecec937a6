import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { hideSections, parseElf } from './elf.ts'

// The program that runs this test is a dynamically linked ELF file of a real tool chain.
const node = await readFile(process.execPath)

test('what a program is linked with', () => {
  const elf = parseElf(node)
  expect(elf?.interpreter).toMatch(/^\/lib.*\/ld-/)
  expect(elf?.needed).toContain('libc.so.6')
  expect(elf?.notes.some((note) => note.startsWith('GNU/'))).toBe(true)
})

test('sections by name', () => {
  const elf = parseElf(node)
  expect(Buffer.from(elf?.section('.interp') ?? []).toString()).toBe(`${elf?.interpreter}\0`)
  expect(elf?.section('.no-such-section')).toBeUndefined()
})

test('a hidden section is not found any more, its neighbours are, and nothing else changes', () => {
  const comment = parseElf(node)?.section('.comment')
  expect(comment?.some((byte) => byte !== 0)).toBe(true)
  const hidden = hideSections(node, ['.comment'])
  expect(parseElf(hidden)?.section('.comment')).toBeUndefined()
  expect(parseElf(hidden)?.section('xcomment')).toEqual(new Uint8Array(comment?.length ?? 0))
  expect(parseElf(hidden)?.section('.interp')).toBeDefined()
  expect(hidden.length).toBe(node.length)
  expect(parseElf(node)?.section('.comment')).toEqual(comment)
})

test('anything else is not ELF', () => {
  expect(parseElf(Buffer.from('#!/bin/sh\n'))).toBeUndefined()
  expect(parseElf(new Uint8Array(0))).toBeUndefined()
})
