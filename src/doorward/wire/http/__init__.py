"""HTTP/1.1 on the wire: what counts as one request, its limits, TLS, and proxies in front.

Whatever is refused here never reaches the API, and is answered in its envelope all the same.
"""
