"""Where archives lie: a folder or an object store; and reading chunks out of them."""
