"""The Socket.IO side: the only folder that knows socketio and engineio."""
