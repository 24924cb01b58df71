/** The state of the figure as PyTorch. */
interface State {
  number: number;
  side: string;
  unit: number;
  row: number;
  column: number;
  layer: { relu: boolean };
  /** [] or [block, 1 if after else 0, unit, value]. */
  held: number[];
  /** Bytes. */
  pixels: number[];
  mean: number;
  std: number;
  names: string[];
  decimals: number;
}

/** Python that prints the unit at the cursor, before and after its ReLU, and the prediction. */
export function toTorch({ number, side, unit, row, column, layer, held, pixels, mean, std, names, decimals }: State): string {
  const [block, after, channel, value] = held;
  const activation = after ? (block === 4 ? "pointwise1" : "relu1") : "relu0";
  const hold = held.length ? `
def hold(layer, inputs, output):
    output[:, ${channel}] = ${value}

network.block${block}.${activation}.register_forward_hook(hold)` : "";
  const layerName = `network.block${number}.${side === "after" ? "pointwise1" : "relu0"}`;
  const at = `outputs[0][0, ${unit}, ${row}, ${column}]`;
  const rectified = layer.relu && side === "after" ? `print(f"after the ReLU: {${at}.relu():.${decimals}f}")\n` : "";
  return `import torch
from nin_lib import models

network = models.pocket_nin(trained=True)
${hold}
outputs = []
${layerName}.register_forward_hook(lambda layer, inputs, output: outputs.append(output))
pixels = torch.tensor([${pixels.join(", ")}])
x = (pixels.reshape(1, 1, 28, 28) / 255 - ${mean}) / ${std}
with torch.no_grad():
    shares = network(x)[0].softmax(0)
print(f"{${at}:.${decimals}f}")
${rectified}names = ${JSON.stringify(names)}
print(f"{names[shares.argmax()]}, {100 * shares.max():.1f} %")
`;
}
