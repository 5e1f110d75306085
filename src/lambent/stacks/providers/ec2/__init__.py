"""EC2: the networks that functions name. moto keeps them as they are described; nothing is sent through them."""
