"""Pull requests on the desk: what people were shown of them, and what they had done with them."""
