"""layer norm: a model as one module.

The loss and what it is made of, for N samples:

    mu[n] = (1/D)*sum_d x[n,d]
    var[n] = (1/D)*sum_d (x[n,d] - mu[n])**2
    u[n,d] = (x[n,d] - mu[n])/sqrt(var[n] + eps)
    v[n,d] = gamma[d]*u[n,d] + beta[d]
    L = (1/(2*N))*sum_{n,d} (v[n,d] - y[n,d])**2

Its slopes, by w as w_bar, with which it is trained, 32 samples at a time:

    gamma_bar[d] = (1/N)*sum_n u[n,d]*(v[n,d] - y[n,d])
    beta_bar[d] = (1/N)*sum_n (v[n,d] - y[n,d])

A step of Adam(lr=0.001), the t-th, where g is the gradient by parameters w:

    m_next[p] = 0.9*m[p] + g[p]/10
    v_next[p] = 0.999*v[p] + 0.001*g[p]**2
    c = sqrt(1 - 0.999**t)
    eta = 0.001
    alpha = c*eta/(1 - 0.9**t)
    eps_t = 1e-8*c
    w_next[p] = w[p] - alpha*m_next[p]/(sqrt(v_next[p]) + eps_t)

Data, with D = 8:

    x (N, D)
    y (N, D)
    eps: positive

Functions; `params` holds the parameters by name, as `PARAMETERS` lists them:

    forward(x, eps, params) -> v (N, D)
        the outputs, as they are when nothing is trained
    loss_and_gradients(x, y, eps, params) -> L, its slopes by name
        as in training
    train(x, y, eps, params=None, epochs=10, seed=0) -> params, losses
        the loss is a mean over each epoch
    train_steps(...) -> steps done
        steps `first` to `last` of an epoch: gather, forward, backward, update
    initial(seed=0) -> params
        parameters as training begins
    pack(params) -> theta; unpack(theta) -> params
        parameters as one vector, as `train_steps` takes them
    workspace() -> grad, state, memory, noise, ws, near, wi, sums
        everything else that `train_steps` works on
    random_data(count, seed=0) -> x, y, eps
        values of the right shapes and kinds

Run as a script, the module trains on random data.

Written by symnet; needs numpy, numba and scipy, and nothing else.
"""

import math
from time import perf_counter

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

real = np.float32
zero, half, one, two = real(0.0), real(0.5), real(1.0), real(2.0)
NUMBER = types.float32
KERNEL = dict(fastmath={"contract", "reassoc", "nsz"}, error_model="numpy", boundscheck=False, nogil=True, cache=True)
PART = dict(KERNEL, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called from kernels only


@intrinsic
def apart(typing):
    """Promise that the arrays of this function do not overlap."""

    def codegen(context, builder, sig, args):
        for given in builder.function.args:
            if given.type.is_pointer and given.name.endswith(".4"):  # the place of an array's data
                given.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def unseen(typing, number):
    """The same number, but LLVM cannot see which: else it unrolls the loop, and then makes no vectors of it."""

    def codegen(context, builder, sig, args):
        kind = ir.FunctionType(args[0].type, [args[0].type])
        return builder.asm(kind, "", "=r,0", [args[0]], False)

    return types.intp(types.intp), codegen


@njit(**KERNEL)
def forward_kernel(x, gamma, beta, eps, v, scalars, ws, near, wi, N):
    apart()

    # s[n] = sum_d x[n,d]
    # mu[n] = s[n]/D
    # s_2[n] = sum_d (x[n,d] - mu[n])**2
    # var[n] = s_2[n]/D
    # u[n,d] = (x[n,d] - mu[n])/sqrt(var[n] + eps)
    # v[n,d] = gamma[d]*u[n,d] + beta[d]
    for n in range(N):
        s = zero
        at_x = n * 8
        for i_0 in range(8):
            s += x[at_x + i_0]
        mu = s / real(8)
        s_2 = zero
        at_x_2 = n * 8
        for i_0_2 in range(8):
            s_2 += (x[at_x_2 + i_0_2] - mu) * (x[at_x_2 + i_0_2] - mu)
        var = s_2 / real(8)
        at_x_3 = n * 8
        for d in range(unseen(8)):
            u = (x[at_x_3 + d] - mu) / math.sqrt(real(eps) + var)
            v_2 = beta[d] + gamma[d] * u
            v[at_x_3 + d] = v_2


@njit(**KERNEL)
def gradient_kernel(x, y, gamma, beta, eps, gamma_bar, beta_bar, scalars, ws, near, wi, N):
    apart()
    s = 0.0
    for d in range(8):
        near[d] = zero
    for d in range(8):
        near[16 + d] = zero

    # s_2[n] = sum_d x[n,d]
    # mu[n] = s_2[n]/D
    # s_3[n] = sum_d (x[n,d] - mu[n])**2
    # var[n] = s_3[n]/D
    # u[n,d] = (x[n,d] - mu[n])/sqrt(var[n] + eps)
    # v[n,d] = gamma[d]*u[n,d] + beta[d]
    # s = sum_{n,d} (v[n,d] - y[n,d])**2
    # s_4[d] = sum_n u[n,d]*(v[n,d] - y[n,d])
    # s_5[d] = sum_n (v[n,d] - y[n,d])
    for n in range(N):
        s_2 = zero
        at_x = n * 8
        for i_0 in range(8):
            s_2 += x[at_x + i_0]
        mu = s_2 / real(8)
        s_3 = zero
        at_x_2 = n * 8
        for i_0_2 in range(8):
            s_3 += (x[at_x_2 + i_0_2] - mu) * (x[at_x_2 + i_0_2] - mu)
        var = s_3 / real(8)
        at_x_3 = n * 8
        for d in range(8):
            u = (x[at_x_3 + d] - mu) / math.sqrt(real(eps) + var)
            v = beta[d] + gamma[d] * u
            s += (v - y[at_x_3 + d]) * (v - y[at_x_3 + d])
            near[d] += u * (v - y[at_x_3 + d])
            near[16 + d] += v - y[at_x_3 + d]

    # L = s/(2*N)
    L = 0.5 * s / float(N)

    # gamma_bar[d] = s_4[d]/N
    for d in range(8):
        gamma_bar_2 = near[d] / real(N)
        gamma_bar[d] = gamma_bar_2

    # beta_bar[d] = s_5[d]/N
    for d in range(8):
        beta_bar_2 = near[16 + d] / real(N)
        beta_bar[d] = beta_bar_2
    scalars[0] = L


@njit(**KERNEL)
def train_steps(
    data1_x, data2_y, data3_eps, rows, theta, grad, state, memory, held, noise, ws, near, wi, sums, first, last, total,
    done, seed
):
    """Steps `first` to `last` of an epoch, each over 32 of the `total` rows; how many were done."""
    apart()
    for step in range(first, last):
        begin = step * 32
        n = 32 if begin + 32 <= total else total - begin
        t = float(done + step - first + 1)

        # eps = data3_eps
        eps = data3_eps[0]

        # row[n_2] = rows[n_2+begin]
        # x[n_2,i1] = data1_x[row[n_2],i1]
        # y[n_2,i1] = data2_y[row[n_2],i1]
        for n_2 in range(n):
            row = rows[n_2 + begin]
            at_x = n_2 * 8
            at_x_data = (row if row > 0 else 0) * 8
            at_y = 256 + n_2 * 8
            for i1 in range(unseen(8)):
                x_2 = data1_x[at_x_data + i1]
                ws[at_x + i1] = x_2
                y_2 = data2_y[at_x_data + i1]
                ws[at_y + i1] = y_2
        for n_2 in range(n):
            near[n_2] = zero

        # s[n_2] = sum_d x[n_2,d]
        for i_0 in range(8):
            for n_2 in range(n):
                near[n_2] += ws[i_0 + n_2 * 8]

        # mu[n_2] = s[n_2]/D
        for n_2 in range(n):
            mu_2 = near[n_2] / real(8)
            near[n_2] = mu_2
        for n_2 in range(n):
            near[32 + n_2] = zero

        # s_2[n_2] = sum_d (x[n_2,d] - mu[n_2])**2
        for i_0 in range(8):
            for n_2 in range(n):
                near[32 + n_2] += (ws[i_0 + n_2 * 8] - near[n_2]) * (ws[i_0 + n_2 * 8] - near[n_2])

        # var[n_2] = s_2[n_2]/D
        for n_2 in range(n):
            var_2 = near[32 + n_2] / real(8)
            near[32 + n_2] = var_2

        # u[n_2,d] = (x[n_2,d] - mu[n_2])/sqrt(var[n_2] + eps)
        for d in range(8):
            at_u = 512 + d * n
            for n_2 in range(n):
                u_2 = (ws[d + n_2 * 8] - near[n_2]) / math.sqrt(real(eps) + near[32 + n_2])
                ws[at_u + n_2] = u_2
        s_3 = 0.0
        for d in range(8):
            near[d] = zero
        for d in range(8):
            near[32 + d] = zero

        # v[n_2,d] = gamma[d]*u[n_2,d] + beta[d]
        # s_3 = sum_{n,d} (v[n,d] - y[n,d])**2
        # s_4[d] = sum_n u[n,d]*(v[n,d] - y[n,d])
        # s_5[d] = sum_n (v[n,d] - y[n,d])
        for n_2 in range(n):
            at_u_2 = 512 + n_2
            at_y_2 = 256 + n_2 * 8
            for d in range(8):
                v = theta[16 + d] + theta[d] * ws[at_u_2 + d * n]
                s_3 += (v - ws[at_y_2 + d]) * (v - ws[at_y_2 + d])
                near[d] += ws[at_u_2 + d * n] * (v - ws[at_y_2 + d])
                near[32 + d] += v - ws[at_y_2 + d]

        # L = s_3/(2*N)
        L = 0.5 * s_3 / float(n)
        if not abs(L) < np.inf:
            return step - first

        # gamma_bar[d] = s_4[d]/N
        for d in range(8):
            gamma_bar_2 = near[d] / real(n)
            grad[d] = gamma_bar_2

        # beta_bar[d] = s_5[d]/N
        for d in range(8):
            beta_bar_2 = near[32 + d] / real(n)
            grad[16 + d] = beta_bar_2

        # m_next[i_2] = 0.9*m[i_2] + grad_2[i_2]/10
        # v_next[i_2] = 0.999*v_2[i_2] + 0.001*grad_2[i_2]**2
        for i_2 in range(32):
            m_next_2 = real(0.9) * state[i_2] + real(0.1) * grad[i_2]
            state[i_2] = m_next_2
            v_next_2 = real(0.999) * state[32 + i_2] + real(0.001) * (grad[i_2] * grad[i_2])
            state[32 + i_2] = v_next_2

        # step_c = sqrt(1 - 0.999**t)
        step_c = math.sqrt(1.0 - 0.999 ** t)

        # step_eta = 0.001
        step_eta = 0.001

        # step_alpha = step_c*step_eta/(1 - 0.9**t)
        step_alpha = step_c * step_eta / (1.0 - 0.9 ** t)

        # step_eps_t = 1e-8*step_c
        step_eps_t = 1e-08 * step_c

        # theta_next[i_2] = theta_2[i_2] - step_alpha*m_next[i_2]/(sqrt(v_next[i_2]) + step_eps_t)
        for i_2 in range(32):
            theta_next_2 = theta[i_2] - state[i_2] * real(step_alpha) / (math.sqrt(state[32 + i_2]) + real(step_eps_t))
            theta[i_2] = theta_next_2

        sums[0] += L * n
        sums[1] += n
    return last - first


BATCH = 32
PARAMETERS = {  # name: offset in the vector, shape
    "gamma": (0, (8,)),
    "beta": (16, (8,)),
}
THETA = 32


def given(name, value, shape, dtype=real):
    """The value as an array that kernels take; its shape must be this one."""
    array = np.asarray(value, dtype, order="C")
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, but has {array.shape}")
    return array


def forward(x, eps, params):
    """v (N, D) of x (N, D), eps, parameters by name."""
    N = np.shape(x)[0]
    x = given("x", x, (N, 8))
    gamma = given("gamma", params["gamma"], (8,))
    beta = given("beta", params["beta"], (8,))
    eps = float(eps)
    v = np.empty((N, 8), real)
    scalars, ws, near, wi = np.zeros(0), np.empty(0, real), np.empty(0, real), np.empty(0, np.int64)
    forward_kernel(x.ravel(), gamma.ravel(), beta.ravel(), eps, v.ravel(), scalars, ws, near, wi, N)
    return v


def loss_and_gradients(x, y, eps, params):
    """L, its slopes by name of x (N, D), y (N, D), eps, parameters by name."""
    N = np.shape(x)[0]
    x = given("x", x, (N, 8))
    y = given("y", y, (N, 8))
    gamma = given("gamma", params["gamma"], (8,))
    beta = given("beta", params["beta"], (8,))
    eps = float(eps)
    gamma_bar = np.empty((8,), real)
    beta_bar = np.empty((8,), real)
    scalars, ws, near, wi = np.zeros(1), np.empty(0, real), np.empty(32, real), np.empty(0, np.int64)
    gradient_kernel(
        x.ravel(), y.ravel(), gamma.ravel(), beta.ravel(), eps, gamma_bar.ravel(), beta_bar.ravel(), scalars, ws, near,
        wi, N
    )
    return float(scalars[0]), {"gamma": gamma_bar, "beta": beta_bar}


def aligned(count):
    """Zeros that begin at a cache line."""
    lines = np.zeros(count + 64 // real().itemsize, real)
    skip = -lines.ctypes.data // real().itemsize % (64 // real().itemsize)
    return lines[skip : skip + count]


def pack(params, layout=PARAMETERS, size=THETA):
    """Parameters by name, as one vector."""
    theta = aligned(size)
    for name, (at, shape) in layout.items():
        theta[at : at + math.prod(shape)] = given(name, params[name], shape).ravel()
    return theta


def unpack(theta, layout=PARAMETERS):
    """The parameters of a vector by name; arrays that share its memory."""
    return {name: theta[at : at + math.prod(shape)].reshape(shape) for name, (at, shape) in layout.items()}


def workspace():
    """What `train_steps` works on besides data and parameters, in its order, as it begins."""
    grad = aligned(32)
    state = aligned(2 * THETA)
    memory = np.array([], np.float64)
    noise = aligned(0)
    ws = aligned(768)
    near = aligned(64)
    wi = np.zeros(0, np.int64)
    sums = np.zeros(2)
    return grad, state, memory, noise, ws, near, wi, sums


def initial(seed=0):
    """Parameters by name, as training begins."""
    return {
        "gamma": np.ones((8,)),
        "beta": np.zeros((8,)),
    }


def random_data(count, seed=0):
    """Random values for what the loss is asked about."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 8))
    y = rng.normal(size=(count, 8))
    eps = rng.uniform(0.5, 1.5, ())
    return x, y, eps


def train(x, y, eps, params=None, epochs=10, seed=0):
    """Train on rows in an order that is new in each epoch; parameters then, and mean losses."""
    count = np.shape(x)[0]
    x = given("x", x, (count, 8)).ravel()
    y = given("y", y, (count, 8)).ravel()
    eps = given("eps", eps, ()).ravel()
    params = initial(seed) if params is None else params
    theta, held = pack(params), aligned(0)
    grad, state, memory, noise, ws, near, wi, sums = workspace()
    order = np.random.default_rng(seed)
    steps, losses = -(-count // BATCH), []
    for epoch in range(epochs):
        rows, sums[:] = order.permutation(count), 0.0
        done = train_steps(
            x, y, eps, rows, theta, grad, state, memory, held, noise, ws, near, wi, sums, 0, steps, count,
            epoch * steps, seed
        )
        if done < steps:
            raise FloatingPointError(f"the loss is not finite at step {done + 1} of epoch {epoch + 1}")
        losses.append(float(sums[0] / sums[-1]))
    return unpack(theta), losses


def main():
    """Train on random data, and say how it goes."""
    begin = perf_counter()
    x, y, eps = random_data(16 * BATCH)
    params = initial()
    v = forward(x, eps, params)
    print("v, of shape", np.shape(v))
    loss, slopes = loss_and_gradients(x, y, eps, params)
    print(f"loss {loss:.6f}")
    for name, slope in slopes.items():
        print(f"slope by {name}, largest entry {np.max(np.abs(slope)):.3g}")
    train(x, y, eps, params, epochs=1)
    print(f"ready after {perf_counter() - begin:.1f} s")
    begin = perf_counter()
    params, losses = train(x, y, eps, params, epochs=10)
    seconds = perf_counter() - begin
    for epoch, loss in enumerate(losses):
        print(f"epoch {epoch + 1:2}: loss {loss:.6f}")
    print(f"{len(losses) * 16 / seconds:.0f} steps per second")


if __name__ == "__main__":
    main()
