// Judges exchanges with Microsoft's oav: `node judge.cjs SPECS < exchanges > verdicts`, one JSON object per line each.
// A verdict is {"operation": ..., "issues": [{"from", "code", "at", "message"}]}, in the order of the exchanges.
"use strict";

const path = require("path");
const readline = require("readline");
const { LiveValidator } = require("oav");

// Other things in the folders of the specifications: they describe no operation of their own.
const NO_OPERATIONS = ["**/examples/**", "**/scenarios/**", "**/common-types/**", "**/common/v*/**"];

async function main(specs) {
  const validator = new LiveValidator(
    {
      directory: path.resolve(specs),
      swaggerPathsPattern: ["/specification/**/*.json"],
      excludedSwaggerPathsPattern: NO_OPERATIONS,
      git: { shouldClone: false },
      loadValidatorInBackground: false,
    },
    () => {}, // what it says about an exchange is in the verdict, and there is nothing else to know
  );
  await validator.initialize();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const verdict = await validator.validateLiveRequestResponse(JSON.parse(line));
    process.stdout.write(`${JSON.stringify(told(verdict))}\n`);
  }
}

function told({ requestValidationResult: request, responseValidationResult: response, runtimeException }) {
  const issues = [];
  if (runtimeException) issues.push({ from: "pair", code: runtimeException.code, at: "", message: runtimeException.message });
  for (const [from, result] of [["request", request], ["response", response]]) {
    for (const error of result.errors) {
      issues.push({ from, code: error.code, at: error.jsonPathsInPayload.join(" "), message: error.message });
    }
    // No operation found, or several, or oav itself failed: then nothing was validated.
    const failure = result.runtimeException;
    if (failure) issues.push({ from, code: failure.code, at: "", message: failure.message });
  }
  return { operation: request.operationInfo.operationId, issues };
}

main(process.argv[2]).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 2;
});
