#!/usr/bin/env python3
"""The polynomial coefficients of src/core/poly.h, and how far off they leave each function.

A fit p(x) = c[0] + ... + c[n] x^n minimises max |w(x) (f(x) - p(x))| over a Chebyshev grid of
[a, b] by Lawson's iteration: weighted least squares whose weights grow where the error is large.
Coefficients are fixed from the lowest up: one is rounded to float and the others are fitted again
around it, so that a rounding is made good, as far as can be, by what comes after it.

Needs mpmath (Debian: python3-mpmath).  Takes a minute or two.
"""
import struct

from mpmath import cos, erf, erfc, exp, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt

mp.dps = 34


def to_float(x):
    return mpf(struct.unpack('f', struct.pack('f', float(x)))[0])


def hex_float(x):
    mantissa, exponent = float(x).hex().split('p')
    if '.' in mantissa:
        mantissa = mantissa.rstrip('0').rstrip('.')
    return f'{mantissa}p{exponent}f'


def lawson(points, powers, rounds=40):
    """Coefficients of the given powers for (x, f, w) points."""
    n = len(powers)
    rows = [[w * x ** p for p in powers] + [w * f] for x, f, w in points]
    weights = [mpf(1) / len(points)] * len(points)
    best, best_error = None, None
    for _ in range(rounds):
        a, b = matrix(n, n), matrix(n, 1)
        for row, weight in zip(rows, weights):
            for i in range(n):
                scaled = weight * row[i]
                b[i] += scaled * row[n]
                for j in range(i + 1):
                    a[i, j] += scaled * row[j]
        for i in range(n):
            for j in range(i):
                a[j, i] = a[i, j]
        c = list(lu_solve(a, b))
        errors = [abs(row[n] - sum(ci * ri for ci, ri in zip(c, row))) for row in rows]
        if best_error is None or max(errors) < best_error:
            best, best_error = c, max(errors)
        total = sum(weight * error for weight, error in zip(weights, errors))
        if total == 0:
            break
        weights = [weight * error / total for weight, error in zip(weights, errors)]
    return best


def fit(name, f, w, degree, a, b, grid=120, known=(), to=to_float):
    a, b = mpf(a), mpf(b)
    points = []
    for i in range(grid):
        x = (a + b) / 2 + (a - b) / 2 * cos(pi * (i + mpf(1) / 2) / grid)
        points.append((x, f(x), w(x)))
    fixed = list(known)
    while len(fixed) <= degree:
        k = len(fixed)
        rest = [(x, y - sum(c * x ** i for i, c in enumerate(fixed)), wx) for x, y, wx in points]
        fixed.append(to(lawson(rest, range(k, degree + 1))[0]))
    error = max(abs(wx * (y - sum(c * x ** i for i, c in enumerate(fixed)))) for x, y, wx in points)
    print(f'{name}: degree {degree} on [{float(a):.7g}, {float(b):.7g}], '
          f'error {float(error):.2g} = 2^{float(log(error, 2)):.1f}', flush=True)
    for i, c in enumerate(fixed):
        print(f'    {i}  {hex_float(c):>18}  {float(c):.9g}', flush=True)


def main():
    h = log(2) / 2 * mpf('1.0005')
    fit('EXP', lambda r: (exp(r) - 1 - r) / r**2, lambda r: r * r / exp(r), 4, -h, h)
    fit('LOG', lambda f: (log(1 + f) - f) / f**2, lambda f: f * f / log(1 + f), 8,
        sqrt(mpf('0.5')) - 1, sqrt(mpf(2)) - 1)

    near = mpf('0.0682')
    fit('ROOT', lambda r: ((1 - r)**mpf(-1.5) - 1) / r, lambda r: abs(r) * (1 - r)**mpf(1.5), 4,
        -near, near, grid=80)

    k, far = mpf('3.25'), mpf('14.6')

    def tail(q):
        t = k * (1 - q) / (1 + q)
        return exp(t * t / 2) * erfc(t / sqrt(2)) / 2 / (1 + q)
    fit('TAIL', tail, lambda q: 1 / tail(q), 9, (k - far) / (k + far), 1)

    bound, zero = mpf('0.92'), mpf('1e-6')
    fit('ERF_NEAR', lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z)), 6, zero,
        bound**2, grid=80)
    fit('ERF_FAR', lambda x: log(erfc(x)) / x, lambda x: x * erfc(x) / erf(x), 6, bound,
        mpf('3.95'), grid=100)
    fit('LOG2', lambda f: log(1 + f) / log(2) / f, lambda f: f / log(1 + f) * log(2), 11,
        sqrt(mpf('0.5')) - 1, sqrt(mpf(2)) - 1, grid=100, to=lambda x: mpf(float(x)))
    fit('LOG1P', lambda e: (log(1 + e) - e) / e**2, lambda e: e * e / log(1 + e), 8, zero, mpf(1),
        grid=80)

    h = (pi / 4 * mpf('1.001'))**2
    fit('SIN', lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z * sqrt(z) / sin(sqrt(z)), 2,
        zero, h, grid=60)
    fit('COS', lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: z * z / cos(sqrt(z)), 2, zero,
        h, grid=60)


if __name__ == '__main__':
    main()
