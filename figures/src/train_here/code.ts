/** A training of *Train it here* as PyTorch: the same initial weights, images, order and rates. */
import type { Choices } from "../training/messages";

export function toTorch({ rate, epochs, lastRelu, norm, initialization, network, seed }: Choices, source: string): string {
  const python = (yes: boolean) => (yes ? "True" : "False");
  return `import torch
import torch.nn.functional as F
from nin_lib.live import training  # the page's garments and random numbers

settings = training.Settings(
    rate=${rate}, epochs=${epochs}, final_relu=${python(lastRelu)}, norm=${python(norm)},
    initialization="${initialization}", network="${network}", seed=${seed},
)
network = training.network(settings)
x, y = training.inputs("${source}")
weights = [p for p in network.parameters() if p.ndim == 4]
others = [p for p in network.parameters() if p.ndim != 4]
groups = [{"params": weights, "weight_decay": training.DECAY}, {"params": others}]
optimizer = torch.optim.SGD(groups, lr=0.1, momentum=training.MOMENTUM, nesterov=True)

for step, (images, mirrored, rate) in enumerate(training.steps(settings)):
    for group in optimizer.param_groups:
        group["lr"] = rate
    batch = torch.where(mirrored[:, None, None, None], x[images].flip(-1), x[images])
    logits = network(batch)
    loss = F.cross_entropy(logits, y[images], label_smoothing=training.SMOOTHING)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step < 10:
        print(loss.item())
`;
}
