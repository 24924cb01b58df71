/** 1×1 convolutions on small nested lists, whose numbers figures show. */
import { rounded } from "../shell/format";

/** C×H×W. */
export type Planes = number[][][];

/** A 1×1 convolution: weight O×C, bias O, and whether a ReLU follows. */
export interface Layer {
  weight: number[][];
  bias: number[];
  relu: boolean;
}

/** Apply the layer at every position, rounded to so many decimals (inputs and weights are decimal). */
export function apply(layer: Layer, input: Planes, decimals: number): Planes {
  return layer.weight.map((weights, o) =>
    input[0].map((line, r) =>
      line.map((_, c) => {
        const sum = weights.reduce((total, weight, k) => total + weight * input[k][r][c], layer.bias[o]);
        return rounded(layer.relu ? Math.max(0, sum) : sum, decimals);
      }),
    ),
  );
}

/** A fixed random permutation of n pixels: position i shows pixel order[i]. */
export function permutation(n: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  let state = 12345;
  for (let i = n - 1; i > 0; i--) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const j = (state >>> 8) % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Permute the pixels, in all planes alike. */
export function shuffled(planes: Planes): Planes {
  const [height, width] = [planes[0].length, planes[0][0].length];
  const order = permutation(height * width);
  return planes.map((plane) => {
    const flat = plane.flat();
    return plane.map((line, r) => line.map((_, c) => flat[order[r * width + c]]));
  });
}

/** Write one pixel and the layers as PyTorch, which prints the last layer's unit, with so many decimals. */
export function toTorch(pixel: number[], layers: Layer[], unit: number, decimals: number): string {
  // 1.0 and not 1, or torch would make a tensor of integers
  const list = (values: number[]) => `[${values.map((v) => (Number.isInteger(v) ? v.toFixed(1) : v)).join(", ")}]`;
  const blocks = layers.map(({ weight, bias, relu }, i) => {
    const name = layers.length > 1 ? `layer${i + 1}` : "layer";
    const lines = [
      `${name} = nn.Conv2d(${weight[0].length}, ${weight.length}, kernel_size=1)`,
      "with torch.no_grad():",
      `    ${name}.weight[:, :, 0, 0] = torch.tensor([${weight.map(list).join(", ")}])`,
      `    ${name}.bias[:] = torch.tensor(${list(bias)})`,
      i === layers.length - 1 ? `y = ${name}(x)` : relu ? `x = torch.relu(${name}(x))` : `x = ${name}(x)`,
    ];
    return lines.join("\n");
  });
  const number = `{y[0, ${unit}, 0, 0]:.${decimals}f}`;
  const cut = `{y[0, ${unit}, 0, 0].relu():.${decimals}f}`;
  return `import torch
from torch import nn

# the pixel under the cursor: ${pixel.length} channels, one position
x = torch.tensor(${list(pixel)}).reshape(1, ${pixel.length}, 1, 1)
${blocks.join("\n")}
print(f"${number}")
${layers.at(-1)!.relu ? `print(f"after the ReLU: ${cut}")\n` : ""}`;
}
