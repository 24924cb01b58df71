import { describe, expect, it } from "vitest";
import { near, read } from "../src/ask/number";

describe("a number as a reader writes it", () => {
  it.each([
    ["131584", "", 131584],
    [" 131,584 ", "", 131584],
    ["131 584", "", 131584],
    ["131\u202f584", "", 131584],
    ["1,131,584.5", "", 1131584.5],
    ["1.3e5", "", 130000],
    ["1.3E-2", "", 0.013],
    ["−0.5", "", -0.5],
    ["0,5", "", 0.5],
    ["0,125", "", 0.125],
    ["13,1584", "", 13.1584],
    [".5", "", 0.5],
    ["5.", "", 5],
    ["18 %", "", 0.18],
    ["18 %", "%", 18],
    ["18", "%", 18],
    ["131,584 parameters", "parameters", 131584],
    ["12.4M", "M", 12.4],
  ])("%j with the unit %j is %d", (written, unit, value) => expect(read(written, unit)).toBeCloseTo(value, 9));

  it.each(["", "many", "1 31", "1,2,3", "1 131,584", "12 parameters", "0x10", "Infinity", "1e999", "5 % %", "--5", "1e"])(
    "%j is none",
    (written) => expect(read(written, "kB")).toBeNaN(),
  );

  it("is near another one up to the tolerance, and up to what floating point loses", () => {
    expect([near(0.1 + 0.2, 0.3, 0), near(18.5, 18, 0.5), near(18.51, 18, 0.5), near(131584, 131585, 0)]).toEqual([true, true, false, false]);
  });
});
