/** A run of *Watch ReLUs die* as PyTorch, with the page's own weights, batches and images. */
import type { Settings } from "../net/experiment";

/** Write code that trains up to step `last`, prints its loss, and diagnoses the network. */
export function toTorch({ gain, bias, learningRate, finalRelu, norm, seed }: Settings, widths: number[], last: number): string {
  const python = (yes: boolean) => (yes ? "True" : "False");
  const normed = norm ? ", norm=True" : "";
  return `import torch
import torch.nn.functional as F
from nin_lib.live import dying  # the page's garments and random numbers
from nin_lib.models import GlobalAvgPool, nin_block
from nin_lib.train import diagnose
from torch import nn

settings = dying.Settings(
    gain=${gain}, bias=${bias}, rate=${learningRate},
    final_relu=${python(finalRelu)}, norm=${python(norm)}, seed=${seed},
)
network = nn.Sequential(
    nin_block(1, ${widths[0]}, 3, 2, 1${normed}),
    nin_block(${widths[0]}, ${widths[3]}, 3, 2, 1${normed}),
    nin_block(${widths[3]}, ${widths[6]}, 3, 1, 1${normed}),
    nin_block(${widths[6]}, ${widths[9]}, 3, 1, 1${normed}${finalRelu ? "" : ", final_relu=False"}),
    GlobalAvgPool(),
    nn.Flatten(),
).double()
dying.initialize(network, settings)
x, y = dying.inputs()

last = ${last}
for step, batch in enumerate(dying.batches(settings.seed)):
    network.zero_grad()
    loss = F.cross_entropy(network(x[batch]), y[batch])
    loss.backward()
    if step == last:
        break
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= settings.rate * parameter.grad

print(loss.item())
print(diagnose(network.float(), (x.float(), y), settings.rate))
`;
}
