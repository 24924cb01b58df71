import { describe, expect, it } from "vitest";
import { decimals, fixed, rounded, signed, thousands, tiny } from "../src/shell/format";
import { apply, permutation, shuffled, toTorch } from "../src/net/pointwise";

describe("numbers as printed", () => {
  it("has a true minus sign and never a negative zero", () => {
    expect(fixed(-0.5, 2)).toBe("−0.50");
    expect(fixed(-0.001, 2)).toBe("0.00");
    expect(signed(0.25, 1)).toBe("+0.3");
    expect(signed(-0.0, 1)).toBe("0.0");
  });
  it("groups thousands and writes small powers", () => {
    expect(thousands(4816896)).toBe("4,816,896");
    expect(thousands(784)).toBe("784");
    expect(tiny(5.96e-8)).toBe("6·10⁻⁸");
    expect(tiny(0)).toBe("0");
  });
  it("knows how many decimals numbers have", () => {
    expect(decimals([1, -2])).toBe(0);
    expect(decimals([0.1, 0.25, -3])).toBe(2);
    expect(decimals([1 / 3])).toBe(4);
    expect(rounded(0.1 + 0.2, 2)).toBe(0.3);
  });
});

describe("a 1×1 convolution", () => {
  const image = [[[0.1, 0.2], [0.3, 0.4]], [[1, 0.5], [0.25, 0]]];
  const layer = { weight: [[2, -1], [0.5, 1]], bias: [0.1, 0], relu: true };
  it("is a weighted sum of each position's channels", () => {
    expect(apply(layer, image, 4)).toEqual([[[0, 0], [0.45, 0.9]], [[1.05, 0.6], [0.4, 0.2]]]);
  });
  it("does not mind the order of the pixels", () => {
    expect(shuffled(apply(layer, image, 4))).toEqual(apply(layer, shuffled(image), 4));
  });
  it("shuffles every pixel to one place, and moves most", () => {
    const order = permutation(144);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(144).keys()]);
    expect(order.filter((from, to) => from === to).length).toBeLessThan(10);
  });
  it("names every weight in its PyTorch", () => {
    const code = toTorch([0.93, 0.45], [layer], 1, 2);
    expect(code).toContain("nn.Conv2d(2, 2, kernel_size=1)");
    expect(code).toContain("[2.0, -1.0], [0.5, 1.0]");
    expect(code).toContain('print(f"{y[0, 1, 0, 0]:.2f}")');
  });
});
