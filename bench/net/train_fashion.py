#!/usr/bin/env python3
"""Train the demo's residual network on Fashion-MNIST and write it in the .hewnet format.

    nice python3 bench/net/train_fashion.py            (Debian: python3-torch, dataset-fashion-mnist)

Writes fashion.hewnet (the graph and its weights, batch norm folded into the convolutions) and
fashion100.bin (the first 100 test pictures, their labels, and PyTorch's logits for them).  Both
formats are described in bench/net/README.md.  The accuracy printed at the end is that of the
folded network, read back from nothing but the layers that were written.
"""
import argparse
import gzip
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CLASSES = ["T-shirt", "trouser", "pullover", "dress", "coat",
           "sandal", "shirt", "sneaker", "bag", "ankle boot"]
MEAN, STD = 0.2860, 0.3530          # of the training pixels, scaled to 0..1
NONE = 0xFFFFFFFF
OP_CONV, OP_GLOBAL_AVGPOOL, OP_SOFTMAX, OP_LINEAR = 1, 4, 7, 8
ACT_NONE, ACT_RELU = 0, 1


def read_idx(path):
    with gzip.open(path, "rb") as f:
        data = f.read()
    rank = data[3]
    dims = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(dims)


def conv_bn(cin, cout, k, stride):
    return nn.Sequential(nn.Conv2d(cin, cout, k, stride, k // 2, bias=False), nn.BatchNorm2d(cout))


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.a, self.b = conv_bn(cin, cout, 3, stride), conv_bn(cout, cout, 3, 1)
        self.short = conv_bn(cin, cout, 1, stride) if stride != 1 or cin != cout else None

    def forward(self, x):
        s = x if self.short is None else self.short(x)
        return F.relu(self.b(F.relu(self.a(x))) + s)


class Net(nn.Module):
    """A 3x3 stem, three stages of three basic blocks, global average pool, linear."""

    def __init__(self, widths, strides):
        super().__init__()
        self.stem = conv_bn(1, widths[0], 3, 1)
        cin, blocks = widths[0], []
        for width, stride in zip(widths, strides):
            for i in range(3):
                blocks.append(Block(cin, width, stride if i == 0 else 1))
                cin = width
        self.blocks = nn.ModuleList(blocks)
        self.linear = nn.Linear(cin, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.linear(x.mean((2, 3)))


def fold(seq):
    """Conv followed by batch norm as one convolution with a bias."""
    conv, bn = seq[0], seq[1]
    gain = bn.weight.double() / torch.sqrt(bn.running_var.double() + bn.eps)
    weight = conv.weight.double() * gain[:, None, None, None]
    bias = bn.bias.double() - bn.running_mean.double() * gain
    return weight.float().detach(), bias.float().detach(), conv.stride[0], conv.padding[0]


def layers_of(net):
    """The folded graph: dicts in execution order.  Tensor 0 is the input, tensor i+1 is made by layer i."""
    out = []

    def conv(folded, src, act, residual=NONE):
        w, b, stride, pad = folded
        out.append(dict(op=OP_CONV, src=src, res=residual, act=act, w=w, b=b, stride=stride, pad=pad))
        return len(out)

    x = conv(fold(net.stem), 0, ACT_RELU)
    for block in net.blocks:
        s = x if block.short is None else conv(fold(block.short), x, ACT_NONE)
        y = conv(fold(block.a), x, ACT_RELU)
        x = conv(fold(block.b), y, ACT_RELU, s)
    out.append(dict(op=OP_GLOBAL_AVGPOOL, src=x))
    out.append(dict(op=OP_LINEAR, src=len(out), w=net.linear.weight.detach(), b=net.linear.bias.detach()))
    out.append(dict(op=OP_SOFTMAX, src=len(out)))
    return out


def run_layers(layers, x):
    """Logits (the last softmax's input) by PyTorch from the folded layers alone."""
    tensors = [x]
    for l in layers:
        src = tensors[l["src"]]
        if l["op"] == OP_CONV:
            y = F.conv2d(src, l["w"], l["b"], l["stride"], l["pad"])
            y = y + tensors[l["res"]] if l["res"] != NONE else y
            y = F.relu(y) if l["act"] == ACT_RELU else y
        elif l["op"] == OP_GLOBAL_AVGPOOL:
            y = src.mean((2, 3))
        elif l["op"] == OP_LINEAR:
            y = F.linear(src, l["w"], l["b"])
        else:
            return src
        tensors.append(y)


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def write_net(path, layers):
    names = "\n".join(CLASSES).encode()
    names += b"\n" * (-len(names) % 4)          # keeps every float 4-byte aligned in the file
    out = bytearray(b"hewnet1\n")
    out += struct.pack("<4I2fI", len(layers), 28, 28, 1, 1 / (255 * STD), -MEAN / STD, len(names)) + names
    for l in layers:
        if l["op"] == OP_CONV:
            o, _, kh, kw = l["w"].shape
            s, p = l["stride"], l["pad"]
            record = l["op"], l["src"], l["res"], l["act"], o, kh, kw, s, s, p, p, p, p, 1, 1, 0
        elif l["op"] == OP_LINEAR:
            record = l["op"], l["src"], NONE, ACT_NONE, len(l["b"]), *[0] * 9, 1, 0
        else:
            record = l["op"], l["src"], NONE, *[0] * 13
        out += struct.pack("<16I", *record)
        if "w" in l:
            out += l["w"].numpy().astype("<f4").tobytes() + l["b"].numpy().astype("<f4").tobytes()
    out += struct.pack("<Q", fnv1a(out))
    with open(path, "wb") as f:
        f.write(out)


def write_pictures(path, images, labels, logits):
    with open(path, "wb") as f:
        f.write(b"hewpics1" + struct.pack("<5I", len(images), 28, 28, 1, logits.shape[1]))
        f.write(labels.tobytes() + images.tobytes() + logits.astype("<f4").tobytes())


def normalise(images):
    return (torch.from_numpy(images.astype(np.float32)) * (1 / (255 * STD)) - MEAN / STD)[:, None]


def augment(padded, index, rng):
    """A shift of up to two pixels each way and a mirror image every other time."""
    n = len(index)
    dy, dx = rng.integers(0, 5, (2, n))
    cols = np.where(rng.random(n)[:, None] < 0.5, np.arange(28), np.arange(27, -1, -1)) + dx[:, None]
    rows = np.arange(28) + dy[:, None]
    return padded[index[:, None, None], rows[:, :, None], cols[:, None, :]]


def accuracy(logits_of, images, labels):
    with torch.no_grad():
        hits = sum(int((logits_of(normalise(images[i:i + 500])).argmax(1).numpy()
                        == labels[i:i + 500]).sum()) for i in range(0, len(images), 500))
    return 100.0 * hits / len(images)


def train(net, images, labels, test, args):
    rng = np.random.default_rng(args.seed)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    steps = len(images) // args.batch
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4, nesterov=True)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, args.lr, args.epochs * steps, pct_start=0.25)
    start = time.time()
    for epoch in range(args.epochs):
        net.train()
        order, total = rng.permutation(len(images)), 0.0
        for step in range(steps):
            index = order[step * args.batch:(step + 1) * args.batch]
            x = normalise(augment(padded, index, rng)).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(net(x), torch.from_numpy(labels[index].astype(np.int64)))
            opt.zero_grad()
            loss.backward()
            opt.step()
            plan.step()
            total += loss.item()
            if step % 100 == 99:
                print(f"epoch {epoch + 1}/{args.epochs} step {step + 1}/{steps} "
                      f"loss {total / (step + 1):.4f} {time.time() - start:.0f} s", flush=True)
            if args.time_steps and step + 1 == args.time_steps:
                per = (time.time() - start) / args.time_steps
                print(f"{per * 1000:.0f} ms/step, {per * steps:.0f} s/epoch")
                return False
        print(f"epoch {epoch + 1}/{args.epochs}: {accuracy(net.eval(), *test):.2f} % "
              f"of {len(test[0])} test pictures, {time.time() - start:.0f} s", flush=True)
    return True


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    p.add_argument("--out", default="bench/net")
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--widths", type=int, nargs=3, default=[16, 32, 64])
    p.add_argument("--strides", type=int, nargs=3, default=[2, 2, 2])
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--time-steps", type=int, default=0, help="stop after this many steps, print the speed")
    args = p.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    images = read_idx(f"{args.data}/train-images-idx3-ubyte.gz")
    labels = read_idx(f"{args.data}/train-labels-idx1-ubyte.gz")
    test = read_idx(f"{args.data}/t10k-images-idx3-ubyte.gz"), read_idx(f"{args.data}/t10k-labels-idx1-ubyte.gz")

    net = Net(args.widths, args.strides).to(memory_format=torch.channels_last)
    print(f"{sum(x.numel() for x in net.parameters())} parameters", flush=True)
    if not train(net, images, labels, test, args):
        return
    layers = layers_of(net.eval())
    print(f"folded: {accuracy(lambda x: run_layers(layers, x), *test):.2f} % of {len(test[0])} test pictures")
    first = test[0][:100], test[1][:100]
    logits = run_layers(layers, normalise(first[0])).numpy()
    write_net(f"{args.out}/fashion.hewnet", layers)
    write_pictures(f"{args.out}/fashion100.bin", *first, logits)


if __name__ == "__main__":
    main()
