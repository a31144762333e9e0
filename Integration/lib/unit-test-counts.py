#!/usr/bin/env python3
"""unit-test-counts.py REPORT: prints how many tests an xUnit report holds, failed and skipped.

The attributes of the report's testsuite element count issues rather than tests, so this counts the
test cases.
"""

import sys
import xml.etree.ElementTree

try:
    cases = list(xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"))
except (OSError, xml.etree.ElementTree.ParseError) as error:
    sys.exit(f"no report of the tests: {error}")
failed = sum(case.find("failure") is not None for case in cases)
skipped = sum(case.find("skipped") is not None for case in cases)
if not cases:
    sys.exit(f"{sys.argv[1]} holds no test")
print(len(cases), failed, skipped)
