"""What each call does. A module's path is its URL's path: api/acs/users.py serves /acs/users/*.

A handler asks functions of doorward.store for resources, hands policy changes to the writer, and
asks the doors through the protocol in api.services. api.table collects the routes.
"""
