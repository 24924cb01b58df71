"""The named recipes: what is learned, and why."""

from dataclasses import replace

from nin_lib.recipes.recipe import Recipe

_POCKET = Recipe(
    name="pocket",
    why="The pocket network, trained in about a minute on two cores.",
    epochs=8,
    batch_size=256,
    learning_rate=0.4,
)
_TUTORIAL = Recipe(
    name="tutorial",
    why="The d2l chapter's run as written: Xavier, plain SGD, 224×224, no validation set.",
    model="nin",
    epochs=10,
    batch_size=128,
    learning_rate=0.1,
    initialization="xavier",
    schedule="constant",
    momentum=0.0,
    weight_decay=0.0,
    label_smoothing=0.0,
    image_size=224,
    mean=0.0,
    std=1.0,
    flip=False,
    validation=0,
    drop_last=False,
)
_PAPER_CIFAR10 = Recipe(
    name="paper-cifar10",
    why="The paper's CIFAR-10 network and augmentation (mirrored, shifted by up to 4) "
    "with batch normalization and a one-cycle learning rate in place of 307 epochs and "
    "whitening.",
    data="cifar10",
    model="nin_paper",
    model_args={"dataset": "cifar10", "norm": True, "final_relu": False},
    epochs=100,
    batch_size=256,
    learning_rate=0.2,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    shift=4,
    ema_decay=0.99,
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _POCKET,
        replace(
            _POCKET,
            name="pocket-long",
            why="The pocket network for 42 epochs instead of 8, and the average of its weights.",
            epochs=42,
            ema_decay=0.996,
        ),
        _TUTORIAL,
        replace(
            _TUTORIAL,
            name="tutorial-own-weights",
            why="The same run with the initial weights of models.nin, at half the learning rate.",
            learning_rate=0.05,
            initialization="own",
        ),
        replace(
            _TUTORIAL,
            name="tutorial-one-pointwise",
            why="The variant with one 1×1 layer per block as written: batch 64, Normalize(.5, .5).",
            model_args={"pointwise": 1},
            batch_size=64,
            mean=0.5,
            std=0.5,
        ),
        replace(
            _TUTORIAL,
            name="alexnet",
            why="AlexNet as NiN-224 is trained, at a tenth of the learning rate.",
            model="alexnet",
            learning_rate=0.01,
        ),
        Recipe(
            name="modern-224",
            why="NiN-224 and its images with what training has learned since: batch "
            "normalization, no last ReLU, one-cycle learning rate, smoothing, mirrored images, "
            "an average of the weights.",
            model="nin",
            model_args={"norm": True, "final_relu": False},
            epochs=30,
            batch_size=512,
            learning_rate=0.4,
            image_size=224,
            ema_decay=0.99,
        ),
        Recipe(
            name="fashion-28",
            why="The most accurate NiN for 28×28: the paper's CIFAR-10 network on one channel with "
            "batch normalization, trained long with mirrored and cut images.",
            model="nin_paper",
            model_args={"dataset": "cifar10", "in_channels": 1, "norm": True, "final_relu": False},
            epochs=60,
            batch_size=512,
            learning_rate=0.4,
            cutout=8,
            ema_decay=0.99,
        ),
        replace(
            _PAPER_CIFAR10,
            name="paper-mnist",
            why="The paper's MNIST network with batch normalization, a one-cycle learning rate and "
            "images shifted by up to 2 pixels, in 20 epochs.",
            data="mnist",
            model_args={"dataset": "mnist", "norm": True, "final_relu": False},
            epochs=20,
            mean=0.1307,
            std=0.3081,
            shift=2,
            flip=False,
        ),
        _PAPER_CIFAR10,
        replace(
            _PAPER_CIFAR10,
            name="paper-cifar100",
            why="As paper-cifar10, with a hundred classes.",
            data="cifar100",
            model_args={"dataset": "cifar100", "norm": True, "final_relu": False},
            mean=(0.5071, 0.4865, 0.4409),
            std=(0.2673, 0.2564, 0.2762),
        ),
        replace(
            _PAPER_CIFAR10,
            name="paper-svhn",
            why="The paper's SVHN network with batch normalization; no mirrored numbers.",
            data="svhn",
            model_args={"dataset": "svhn", "norm": True, "final_relu": False},
            epochs=30,
            mean=(0.4377, 0.4438, 0.4728),
            std=(0.1980, 0.2010, 0.1970),
            shift=2,
            flip=False,
        ),
    )
}
