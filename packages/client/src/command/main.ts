#!/usr/bin/env node
/// <reference types="node" />
/** The executable of the package. */
import { run } from './types-command.ts'

const { env, argv } = process
run(argv.slice(2), { env, print: line => console.log(line), printError: line => console.error(line) }).then(
  status => {
    process.exitCode = status
  },
  error => {
    console.error(error)
    process.exitCode = 1
  },
)
